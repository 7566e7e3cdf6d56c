-- The last pushes, with what they held back and who approved.
select
    receipt.sync_id,
    receipt.business_date,
    receipt.received_at,
    receipt.rows_added,
    receipt.rows_updated,
    receipt.rows_removed,
    receipt.tasks_added,
    (
        select sum(health.members)
        from bi.audience_health as health
        where health.as_of_date = receipt.business_date + 1
    )::bigint as members,
    (select count(*) from campaigns.guard_stop as stop where stop.token = receipt.token) as held_back,
    approval.approved_by,
    approval.reason
from campaigns.push_receipt as receipt
left join lateral (
    select
        given.approved_by,
        given.reason
    from campaigns.approval as given
    where
        given.business_date = receipt.business_date
        and given.used_at is not null
        and given.used_at <= receipt.received_at
        and given.used_at > coalesce(
            (select max(earlier.received_at) from campaigns.push_receipt as earlier where earlier.sync_id < receipt.sync_id),
            '-infinity'
        )
    order by given.approval_id desc
    limit 1
) as approval on true
order by receipt.sync_id desc
limit 30
