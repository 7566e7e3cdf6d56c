-- with (security_barrier = true)
-- bi.service_recovery: what became of customers after their complaint was solved, by month, severity and what they got for it. Few
-- customers are not shown.
with

cases as (
    select
        cast(date_trunc('month', complaint.resolved_at at time zone coalesce(
            (select setting.value from bi.setting as setting where setting.name = 'business_timezone'), 'Asia/Shanghai'
        )) as date) as month,
        complaint.customer_key,
        complaint.severity,
        coalesce(complaint.compensation_minor, 0) > 0 as is_compensated,
        complaint.satisfaction,
        complaint.resolved_at + interval '90 days' <= current_timestamp as is_mature,
        exists(
            select 1
            from core.order_entry as entry
            where
                entry.customer_key = complaint.customer_key
                and entry.kind = 'paid'
                and entry.happened_at > complaint.resolved_at
                and entry.happened_at <= complaint.resolved_at + interval '90 days'
                and entry.deleted_at is null
        ) as has_bought_again
    from bi.service_complaint as complaint
    where complaint.resolved_at is not null
)

select
    month,
    severity,
    is_compensated,
    count(*) as complaints,
    avg(satisfaction) as mean_satisfaction,
    count(*) filter (where is_mature) as complaints_90d_ago,
    cast(count(*) filter (where is_mature and has_bought_again) as double precision)
        / nullif(count(*) filter (where is_mature), 0) as bought_again_share_90d
from cases
group by month, severity, is_compensated
having count(distinct customer_key) >= coalesce(
    (select cast(setting.value as integer) from bi.setting as setting where setting.name = 'suppressed_group_size'), 10
)
