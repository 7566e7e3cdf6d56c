-- with (security_barrier = true)
-- bi.sales_task: staff tasks of the newest planned date, for whoever shares out the work. Talking points stay with the task itself.
select
    task.as_of_date,
    task.account_owner,
    task.play,
    task.title_en,
    task.title_zh,
    task.customer_key,
    task.service_tier,
    task.is_at_risk,
    task.priority,
    task.due_until,
    task.opening_minor,
    task.midpoint_minor,
    task.ceiling_minor
from campaigns.staff_task as task
where task.as_of_date = (
    select max(cast(published.slice_key as date))
    from ops.published as published
    where published.table_name = 'campaigns.staff_task'
)
