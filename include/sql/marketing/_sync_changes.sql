-- What a push added, changed and took back, members and staff tasks alike, as the warehouse books it. An erased person is booked nowhere.
select
    change.change,
    change.reason,
    change.send_key,
    change.campaign,
    change.customer_key,
    change.kind,
    change.channel,
    change.offer,
    change.offer_terms,
    change.content_key,
    change.service_tier,
    change.lifecycle_stage,
    change.churn_band,
    change.value_band,
    change.reasons_en,
    change.reasons_zh,
    change.joined_on,
    change.valid_from,
    change.valid_until
from marketing.audience_change as change
where change.sync_id = :sync_id and change.reason is distinct from 'erased'
union all
select
    case when task.withdrawn_by = :sync_id then 'removed' else 'added' end as change,
    case when task.withdrawn_by = :sync_id then 'withdrawn' end as reason,
    task.send_key,
    task.campaign,
    task.customer_key,
    'staff' as kind,
    'staff' as channel,
    task.offer,
    task.offer_terms,
    task.campaign as content_key,
    cast(null as text) as service_tier,
    cast(null as text) as lifecycle_stage,
    cast(null as text) as churn_band,
    cast(null as text) as value_band,
    task.reasons_en,
    task.reasons_zh,
    task.joined_on,
    task.due_from as valid_from,
    task.due_until as valid_until
from marketing.staff_task as task
where task.sync_id = :sync_id or task.withdrawn_by = :sync_id
