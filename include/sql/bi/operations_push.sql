-- with (security_barrier = true)
-- bi.operations_push: pushes with what they changed and what the guard held back.
with

held as (
    select
        stop.business_date,
        stop.token,
        count(distinct stop.play) as plays_held_back,
        string_agg(distinct stop.play || ': ' || stop.measure || ' ' || stop.found || ' of ' || stop.allowed, '; ') as held_back
    from campaigns.guard_stop as stop
    group by stop.business_date, stop.token
)

select
    receipt.business_date,
    receipt.sync_id,
    receipt.received_at as booked_at,
    receipt.rows_added,
    receipt.rows_updated,
    receipt.rows_removed,
    receipt.tasks_added,
    receipt.tasks_withdrawn,
    coalesce(held.plays_held_back, 0) as plays_held_back,
    held.held_back,
    (
        select count(*)
        from campaigns.approval as approval
        where approval.business_date = receipt.business_date and approval.used_at is not null
    ) as approvals_used
from campaigns.push_receipt as receipt
left join held on receipt.business_date = held.business_date and receipt.token = held.token
