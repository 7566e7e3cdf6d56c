-- Every change that a dry run found, with what would be delivered or is held.
select
    difference.campaign,
    difference.change,
    difference.customer_key,
    difference.send_key,
    coalesce(stage.channel, held.channel, difference.kind) as channel,
    coalesce(stage.offer, held.offer, task.offer) as offer,
    coalesce(stage.valid_until, held.valid_until, task.due_until) as valid_until,
    difference.reason,
    difference.is_withheld as waits
from pg_temp.push_difference as difference
left join marketing.audience_stage as stage
    on stage.token = :token
    and difference.campaign = stage.campaign
    and difference.customer_key = stage.customer_key
    and difference.change not in ('removed', 'task_withdrawn')
left join marketing.campaign_audience as held
    on difference.campaign = held.campaign
    and difference.customer_key = held.customer_key
    and difference.change = 'removed'
left join marketing.staff_task as task
    on difference.send_key = task.send_key
    and difference.change = 'task_withdrawn'
order by difference.campaign, difference.change, difference.customer_key, difference.send_key
