-- What a marketing tool may do here: read who may be contacted and what changed, report back, acknowledge. Nothing else.
-- The roles cannot log in; a login is made a member of one: grant marketing_tool to some_login.
do $$
begin
    if not exists (select 1 from pg_catalog.pg_roles where rolname = 'marketing_tool') then
        create role marketing_tool nologin;
    end if;
    if not exists (select 1 from pg_catalog.pg_roles where rolname = 'marketing_staff') then
        create role marketing_staff nologin;
    end if;
exception
    -- Another database of this server made the role a moment ago.
    when duplicate_object or unique_violation then null;
end
$$;

comment on role marketing_tool is 'Marketing tools: read marketing.sendable and marketing.audience_change, report events, acknowledge.';
comment on role marketing_staff is 'People who call and visit: read marketing.task_list and mark a task done.';

revoke create on schema public from public;
do $$
begin
    execute format('revoke temporary on database %I from public', current_database());
end
$$;

revoke all on all tables in schema marketing from public;
grant usage on schema marketing to marketing_tool, marketing_staff;
grant select on marketing.sendable, marketing.audience_change to marketing_tool;
-- Without recorded_at: when an event arrived is said by the database.
grant insert (campaign, customer_key, send_key, channel, kind, occurred_at) on marketing.campaign_event to marketing_tool;
grant insert (send_key, tool) on marketing.acknowledgement to marketing_tool;
-- Through the view alone: staff see nobody who may not be called, and can mark nothing else.
grant select on marketing.task_list to marketing_staff;
grant update (state) on marketing.task_list to marketing_staff;
