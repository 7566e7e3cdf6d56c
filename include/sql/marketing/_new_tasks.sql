-- Staff tasks of a push that were never made before. A key handed out once makes no second task.
insert into marketing.staff_task (
    send_key, campaign, customer_key, customer_id, state, priority, language, offer, offer_terms, due_from, due_until, account_owner,
    title_en, title_zh, talking_points_en, talking_points_zh, opening_minor, midpoint_minor, ceiling_minor, reasons_en, reasons_zh,
    sync_id, joined_on
)
select
    send_key, campaign, customer_key, customer_id, 'open', priority, language, offer, offer_terms, valid_from, valid_until,
    account_owner, title_en, title_zh, talking_points_en, talking_points_zh, opening_minor, midpoint_minor, ceiling_minor,
    reasons_en, reasons_zh, :sync_id, joined_on
from marketing.audience_stage as stage
where
    stage.token = :token
    and stage.kind = 'staff'
    and not exists (select 1 from marketing.issued_send_key as issued where issued.send_key = stage.send_key)
on conflict (send_key) do nothing
