-- features.customer_service: one row per customer per as_of_date, from complaints.
-- Reads the version of each complaint that was in force at as_of; a time in it that lies at or after as_of had not happened.
-- A customer who buys more also complains more, so the rate is per order and not per customer.
with

customers as (
    select customer_key
    from core.customer
    where
        customer_key between :first_key and :last_key
        and valid_from < :as_of
        and (valid_to is null or valid_to >= :as_of)
        and (deleted_at is null or deleted_at >= :as_of)
        and not is_test
),

complaints as (
    select
        customer_key,
        opened_at,
        case when acknowledged_at < :as_of then acknowledged_at end as acknowledged_at,
        case when first_replied_at < :as_of then first_replied_at end as first_replied_at,
        case when resolved_at < :as_of then resolved_at end as resolved_at,
        case when satisfaction_at < :as_of then satisfaction end as satisfaction,
        coalesce(compensation_minor, 0) as compensation_minor,
        case severity when 'minor' then 1 when 'medium' then 2 when 'severe' then 3 end as severity_rank
    from core.complaint
    where
        customer_key between :first_key and :last_key
        and opened_at < :as_of
        and valid_from < :as_of
        and (valid_to is null or valid_to >= :as_of)
        and (deleted_at is null or deleted_at >= :as_of)
),

cases as (
    select
        customer_key,
        count(*) as count_lifetime,
        count(*) filter (where opened_at >= :since_90d) as count_90d,
        count(*) filter (where opened_at >= :since_180d and opened_at < :since_90d) as count_previous_90d,
        count(*) filter (where opened_at >= :since_365d) as count_365d,
        count(*) filter (where resolved_at is null) as count_open,
        max(severity_rank) filter (where resolved_at is null) as worst_open_severity_rank,
        min(opened_at) filter (where resolved_at is null) as oldest_open_at,
        max(severity_rank) filter (where opened_at >= :since_365d) as worst_severity_rank,
        avg(extract(epoch from resolved_at - opened_at)) filter (where opened_at >= :since_365d)
        as mean_seconds_to_resolve,
        avg(extract(epoch from first_replied_at - opened_at)) filter (where opened_at >= :since_365d)
        as mean_seconds_to_first_reply,
        count(*) filter (
            where
            opened_at >= :since_365d
            and coalesce(acknowledged_at, :as_of) > opened_at + :acknowledge_hours * interval '1 hour'
        ) as count_acknowledge_breaches,
        count(*) filter (
            where
            opened_at >= :since_365d
            and coalesce(first_replied_at, :as_of) > opened_at + :first_reply_hours * interval '1 hour'
        ) as count_first_reply_breaches,
        max(opened_at) as last_opened_at,
        max(resolved_at) as last_resolved_at,
        cast(coalesce(sum(compensation_minor) filter (where resolved_at >= :since_365d), 0) as bigint)
        as compensation_minor,
        avg(cast(satisfaction as numeric)) filter (where opened_at >= :since_365d) as mean_satisfaction
    from complaints
    group by customer_key
),

cancelled_orders as (
    select order_key
    from core.order_entry
    where
        customer_key between :first_key and :last_key
        and kind <> 'paid'
        and happened_at < :as_of
        and (deleted_at is null or deleted_at >= :as_of)
    group by order_key
    having sum(order_count) < 0
),

-- Person by person, as few complain: the index by customer holds all it takes.
exposure as (
    select
        cases.customer_key,
        nullif(counted.count_orders, 0) as count_orders
    from cases
    cross join lateral (
        select count(*) as count_orders
        from core.order_entry as paid
        where
            paid.customer_key = cases.customer_key
            and paid.kind = 'paid'
            and paid.happened_at >= :since_365d
            and paid.happened_at < :as_of
            and (paid.deleted_at is null or paid.deleted_at >= :as_of)
            and paid.order_key not in (select cancelled_orders.order_key from cancelled_orders)
    ) as counted
)

select
    :as_of_date as as_of_date,
    customers.customer_key,
    coalesce(cases.count_lifetime, 0) as count_complaints_lifetime,
    coalesce(cases.count_90d, 0) as count_complaints_90d,
    coalesce(cases.count_365d, 0) as count_complaints_365d,
    coalesce(cases.count_90d, 0) - coalesce(cases.count_previous_90d, 0) as complaints_change_90d,
    coalesce(cases.count_open, 0) as count_complaints_open,
    coalesce(cases.worst_open_severity_rank, 0) as worst_open_severity_rank,
    :as_of_date - cast(cases.oldest_open_at at time zone :business_timezone as date) as oldest_open_complaint_days,
    coalesce(cases.worst_severity_rank, 0) as worst_severity_rank_365d,
    cast(coalesce(cases.count_365d, 0) as double precision) / exposure.count_orders as complaints_per_order_365d,
    cast(cases.mean_seconds_to_resolve / 3600 as double precision) as mean_hours_to_resolve_365d,
    cast(cases.mean_seconds_to_first_reply / 3600 as double precision) as mean_hours_to_first_reply_365d,
    coalesce(cases.count_acknowledge_breaches, 0) as count_acknowledge_breaches_365d,
    coalesce(cases.count_first_reply_breaches, 0) as count_first_reply_breaches_365d,
    :as_of_date - cast(cases.last_opened_at at time zone :business_timezone as date) as days_since_last_complaint,
    cases.last_resolved_at as last_complaint_resolved_at,
    coalesce(cases.compensation_minor, 0) as compensation_minor_365d,
    cast(cases.mean_satisfaction as double precision) as mean_complaint_satisfaction_365d
from customers
left join cases on customers.customer_key = cases.customer_key
left join exposure on customers.customer_key = exposure.customer_key
