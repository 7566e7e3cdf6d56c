-- bi.complaint_root_cause: complaints of the last weeks by cause, along each dimension of the weekly review, as known at as_of.
with

cases as (
    select
        complaint.complaint_key,
        complaint.order_key,
        complaint.category,
        complaint.channel,
        complaint.responsible_team,
        complaint.severity,
        complaint.opened_at,
        complaint.root_cause,
        complaint.satisfaction,
        coalesce(complaint.compensation_minor, 0) as compensation_minor,
        cast(date_trunc('week', complaint.opened_at at time zone :business_timezone) as date) as week_start,
        case when complaint.resolved_at < :as_of then complaint.resolved_at end as resolved_at,
        -- What has not happened by as_of has waited until then.
        least(coalesce(complaint.acknowledged_at, :as_of), :as_of) > complaint.opened_at + cast(:acknowledge_within as interval)
        or least(coalesce(complaint.first_replied_at, :as_of), :as_of) > complaint.opened_at + cast(:reply_within as interval) as is_late
    from core.complaint as complaint
    where
        complaint.valid_from < :as_of
        and (complaint.valid_to is null or complaint.valid_to >= :as_of)
        and (complaint.deleted_at is null or complaint.deleted_at >= :as_of)
        and complaint.opened_at >= :weeks_from
        and complaint.opened_at < :as_of
        and not exists (
            select 1
            from core.customer as customer
            where
                customer.customer_key = complaint.customer_key
                and customer.valid_to is null
                and customer.is_test
        )
),

-- A cause is free text at its source. Written once, it may be a sentence about somebody; written again, it is a category.
named as (
    select
        root_cause,
        count(*) as uses
    from cases
    group by root_cause
),

causes as (
    select
        cases.*,
        case
            when cases.root_cause is null then 'not found yet'
            when named.uses < 2 then 'other'
            else cases.root_cause
        end as cause
    from cases
    left join named on cases.root_cause = named.root_cause
),

lines as (
    select distinct
        line.order_key,
        coalesce(product.name, product.product_id) as product,
        coalesce(nullif(concat_ws(' > ', line.category_1, line.category_2), ''), 'none') as product_category
    from core.order_line as line
    left join core.product as product on line.product_key = product.product_key
    where
        line.order_key in (select order_key from cases where order_key is not null)
        and (line.deleted_at is null or line.deleted_at >= :as_of)
),

placed as (
    select
        causes.complaint_key,
        'all' as dimension,
        'all' as member
    from causes
    union all
    select
        causes.complaint_key,
        'category' as dimension,
        coalesce(causes.category, 'none') as member
    from causes
    union all
    select
        causes.complaint_key,
        'channel' as dimension,
        coalesce(causes.channel, 'none') as member
    from causes
    union all
    select
        causes.complaint_key,
        'team' as dimension,
        coalesce(causes.responsible_team, 'none') as member
    from causes
    union all
    select distinct
        causes.complaint_key,
        'product' as dimension,
        coalesce(lines.product, 'none') as member
    from causes
    left join lines on causes.order_key = lines.order_key
    union all
    select distinct
        causes.complaint_key,
        'product_category' as dimension,
        coalesce(lines.product_category, 'none') as member
    from causes
    left join lines on causes.order_key = lines.order_key
),

summed as (
    select
        causes.week_start,
        placed.dimension,
        placed.member,
        coalesce(causes.cause, 'all') as root_cause,
        count(*) as complaints,
        count(*) filter (where causes.severity = 'severe') as severe,
        count(causes.resolved_at) as resolved,
        percentile_cont(0.5) within group (
            order by extract(epoch from causes.resolved_at - causes.opened_at) / 3600
        ) as median_hours_to_resolve,
        count(*) filter (where causes.is_late) as late,
        cast(sum(causes.compensation_minor) as bigint) as compensation_minor,
        cast(avg(causes.satisfaction) as double precision) as mean_satisfaction
    from causes
    inner join placed on causes.complaint_key = placed.complaint_key
    group by causes.week_start, placed.dimension, placed.member, grouping sets ((causes.cause), ())
)

select
    cast(:as_of_date as date) as as_of_date,
    summed.week_start,
    summed.week_start + 7 <= cast(:as_of_date as date) as is_complete,
    summed.dimension,
    summed.member,
    summed.root_cause,
    summed.complaints,
    coalesce(before.complaints, 0) as complaints_before,
    summed.severe,
    summed.resolved,
    summed.median_hours_to_resolve,
    summed.late,
    summed.compensation_minor,
    summed.mean_satisfaction
from summed
left join summed as before
    on
        summed.dimension = before.dimension
        and summed.member = before.member
        and summed.root_cause = before.root_cause
        and summed.week_start = before.week_start + 7
