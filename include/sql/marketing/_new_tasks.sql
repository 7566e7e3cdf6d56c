-- Staff tasks of a push that were never made before.
insert into marketing.staff_task (
    send_key, campaign, customer_key, customer_id, purpose, uses_profiling, state, priority, language, offer, offer_terms, due_from,
    due_until, account_owner, title_en, title_zh, talking_points_en, talking_points_zh, opening_minor, midpoint_minor, ceiling_minor, reasons_en, reasons_zh,
    sync_id, joined_on
)
select
    stage.send_key, stage.campaign, stage.customer_key, stage.customer_id, stage.purpose, stage.uses_profiling, 'open', stage.priority,
    stage.language, stage.offer, stage.offer_terms, stage.valid_from, stage.valid_until, stage.account_owner, stage.title_en, stage.title_zh,
    stage.talking_points_en, stage.talking_points_zh, stage.opening_minor, stage.midpoint_minor, stage.ceiling_minor,
    stage.reasons_en, stage.reasons_zh, :sync_id, stage.joined_on
from marketing.audience_stage as stage
inner join pg_temp.push_difference as difference
    on stage.campaign = difference.campaign and stage.customer_key = difference.customer_key and stage.send_key = difference.send_key
where stage.token = :token and stage.kind = 'staff' and difference.change = 'task_added' and not difference.is_withheld
on conflict (send_key) do nothing
