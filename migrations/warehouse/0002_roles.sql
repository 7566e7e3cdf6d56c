-- Who may read what. Roles cannot log in: grant them to the accounts of people and tools.
-- A role is shared by all databases of a server and may exist already; on a server where the migrating account may not make
-- roles, an administrator makes them first and this file grants what they need.
-- Erasure has no role of its own: it must read what it removes in order to prove it, and runs as the owner.
do $$
declare
    wanted text;
begin
    foreach wanted in array array['bi_reader', 'bi_operations', 'bi_product', 'bi_sales', 'bi_service', 'ret_audit', 'ret_console', 'ret_ingest', 'ret_model', 'ret_push']
    loop
        if not exists (select from pg_catalog.pg_roles where rolname = wanted) then
            begin
                execute format('create role %I nologin', wanted);
            exception
                when duplicate_object or unique_violation then null;  -- another database of this server was quicker
                when insufficient_privilege then
                    raise exception 'role % does not exist and this account may not make it: create role % nologin', wanted, wanted;
            end;
        end if;
    end loop;
    -- Nothing is open to everybody: not the public schema, not temporary tables, not tables made later.
    execute format('revoke all on database %I from public', current_database());
    execute format('grant connect on database %I to bi_reader, ret_audit, ret_console, ret_ingest, ret_model, ret_push', current_database());
    execute format('grant connect on database %I to bi_operations, bi_product, bi_sales, bi_service', current_database());
    execute format('grant temporary on database %I to ret_ingest', current_database());  -- linking people uses one
end
$$;

revoke all on schema public from public;
revoke all on all tables in schema
    landing, quarantine, pii, core, features, scores, segments, campaigns, bi, privacy, ops, slices, staging from public;
alter default privileges revoke all on tables from public;
alter default privileges revoke execute on functions from public;

-- BI tools: the views, never the tables behind them, which hold small groups and people. Views of a department begin with its name:
-- its role sees them and what everybody may see. Those of sales and service, which name staff and single cases, are for these two
-- alone; everything else is for analysts too.
grant usage on schema bi to bi_reader, bi_operations, bi_product, bi_sales, bi_service;

do $$
declare
    shown text;
    reader text;
begin
    for shown, reader in
        select
            format('%I.%I', namespace.nspname, class.relname),
            role.reader
        from pg_catalog.pg_class as class
        inner join pg_catalog.pg_namespace as namespace on class.relnamespace = namespace.oid
        cross join lateral (
            select unnest(
                case
                    when class.relname in ('kpi', 'segment_size', 'segment_history', 'segment_label')
                        then array['bi_reader', 'bi_operations', 'bi_product', 'bi_sales', 'bi_service']
                    when class.relname like 'sales\_%' then array['bi_sales']
                    when class.relname like 'service\_%' then array['bi_service']
                    when class.relname like 'product\_%' then array['bi_reader', 'bi_product']
                    when class.relname like 'operations\_%' or class.relname like 'health%' or class.relname like 'pipeline%'
                        or class.relname like 'audience%' then array['bi_reader', 'bi_operations']
                    when class.relname like 'complaint\_%' then array['bi_reader', 'bi_service']
                    else array['bi_reader']
                end
            ) as reader
        ) as role
        where namespace.nspname = 'bi' and class.relkind = 'v'
    loop
        execute format('grant select on %s to %I', shown, reader);
    end loop;
end
$$;

grant select on bi.kpi_definition, bi.setting to bi_reader, bi_operations, bi_product, bi_sales, bi_service;

-- Auditors: what ran, who did what, what was erased. No personal data, no customers.
grant usage on schema ops, privacy to ret_audit;
grant select on
    ops.audit, ops.batch, ops.check_result, ops.lease, ops.published, ops.run_ledger, ops.source_cursor,
    privacy.receipt, privacy.tombstone, privacy.order_tombstone, privacy.suppression
to ret_audit;
grant select (request_id, kind, customer_key, state, requested_by, requested_at, closed_at) on privacy.request to ret_audit;

-- Loading: brings data in as far as core; sees no scores and no campaigns.
grant usage, create on schema staging to ret_ingest, ret_model, ret_push;
grant usage on schema landing, quarantine, pii, core, privacy, ops to ret_ingest;
grant select, insert, update, delete on all tables in schema landing, quarantine, pii, core, ops to ret_ingest;
grant select on privacy.tombstone, privacy.order_tombstone, privacy.consent, privacy.consent_current to ret_ingest;
grant insert on privacy.consent, privacy.order_tombstone to ret_ingest;
grant select, insert on privacy.campaign_refusal to ret_ingest;
grant update (customer_key) on privacy.consent to ret_ingest;
grant usage on schema features to ret_ingest;  -- what it sums of past orders, once core is published
grant select, insert, update, delete on features.order_past, features.order_past_cut to ret_ingest;

-- Learning: never sees a name or an address.
grant usage on schema core, features, scores, segments, ops to ret_model;
grant select on all tables in schema core to ret_model;
grant select, insert, update, delete on all tables in schema features, scores, segments, ops to ret_model;

-- Campaigns: decides and delivers; reads contacts and consent, changes neither.
grant usage on schema core, features, scores, segments, campaigns, pii, privacy, ops, bi to ret_push;
grant select on all tables in schema core, features, scores, segments to ret_push;
grant select on
    pii.contact, privacy.consent, privacy.consent_current, privacy.consent_by_address, privacy.campaign_refused, privacy.suppression,
    privacy.tombstone
to ret_push;
grant select (source_customer_key, customer_id) on pii.source_customer to ret_push;  -- the number a tool knows the person by
grant select on bi.play_effect to ret_push;  -- what was measured decides what is worth doing
grant select, insert, update, delete on all tables in schema campaigns, ops to ret_push;

-- The console in the Airflow UI: aggregates, what ran, and of single customers what is known by their pseudonym. No name, address,
-- birthday or free text; it writes one thing, who looked at whom.
do $$
begin
    -- The account that reads for it must be a member in order to take the role on; whoever made the role may make itself one.
    if not pg_catalog.pg_has_role(current_user, 'ret_console', 'member') then
        execute format('grant ret_console to %I', current_user);
    end if;
exception
    when insufficient_privilege then null;  -- the console says what to grant
end
$$;

grant usage on schema bi, ops, core, features, scores, segments, campaigns, quarantine, privacy to ret_console;
grant select on all tables in schema bi, features, scores, segments to ret_console;
grant select on
    ops.published, ops.run_ledger, ops.lease, ops.batch, ops.check_result, ops.complaint_breach, ops.complaint_clock, ops.source_cursor,
    ops.model, ops.model_evaluation, ops.score_drift
to ret_console;
grant select (audit_id, happened_at, actor, action, subject) on ops.audit to ret_console;
grant insert (actor, action, subject, reason, details) on ops.audit to ret_console;
grant select (
    quarantine_id, batch_id, source, entity, business_date, rule, rules, column_name, severity, state, times_seen, last_seen_at,
    created_at, changed_at
) on quarantine."row" to ret_console;
grant select on
    campaigns.play, campaigns.play_run, campaigns.plan_version, campaigns.exclusion_rule, campaigns.exclusion_count,
    campaigns.eligibility, campaigns.customer_attributes, campaigns.contender, campaigns.decision, campaigns.delivery,
    campaigns.guard_stop, campaigns.approval, campaigns.push_receipt
to ret_console;
grant select on privacy.campaign_refused to ret_console;  -- why somebody is left out names it
grant select on core.customer_alias, core.order_entry, core.campaign_event, core.referral, core.points_entry to ret_console;
grant select (
    customer_key, valid_from, valid_to, region, customer_kind, member_since, is_test, is_staff, deleted_at
) on core.customer to ret_console;
grant select (
    order_key, customer_key, ordered_at, paid_at, cancelled_at, refunded_at, net_minor, refund_minor, channel, deleted_at
) on core.order_header to ret_console;
grant select (
    complaint_key, customer_key, valid_from, valid_to, channel, category, severity, opened_at, acknowledged_at, first_replied_at,
    resolved_at, compensation_minor, satisfaction, deleted_at
) on core.complaint to ret_console;
grant select (
    customer_key, happened_at, channel, kind, direction, dwell_seconds, category, deleted_at
) on core.interaction to ret_console;
grant select (customer_key, happened_at, instrument, score, about_kind, deleted_at) on core.survey_answer to ret_console;
