-- with (security_barrier = true)
-- bi.service_team: how teams keep their clocks, week by week.
select
    cast(date_trunc('week', complaint.opened_at at time zone coalesce(
        (select setting.value from bi.setting as setting where setting.name = 'business_timezone'), 'Asia/Shanghai'
    )) as date) as week_start,
    complaint.team,
    complaint.severity,
    count(*) as complaints,
    count(*) filter (where complaint.resolved_at is null) as complaints_open,
    count(*) filter (where complaint.acknowledge_clock = 'in_time') as acknowledged_in_time,
    count(*) filter (where complaint.reply_clock = 'in_time') as replied_in_time,
    count(*) filter (where complaint.acknowledge_clock = 'overdue' or complaint.reply_clock = 'overdue') as overdue_now,
    percentile_cont(0.5) within group (order by cast(complaint.hours_to_resolve as double precision)) as median_hours_to_resolve,
    cast(coalesce(sum(complaint.compensation_minor), 0) as bigint) as compensation_minor,
    cast(avg(complaint.satisfaction) as double precision) as mean_satisfaction,
    count(complaint.satisfaction) as satisfaction_answers
from bi.service_complaint as complaint
group by 1, 2, 3
