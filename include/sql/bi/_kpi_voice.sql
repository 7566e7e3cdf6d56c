-- KPIs of what customers say, for bi.kpi_value: surveys, complaints, the complaint clock; overall and under every heading a customer
-- has as of the date. What is told anew of a past day is what is known now.
-- `kpi.labels` stands for the customers with their cells, `kpi.headings` for the headings of each cell.
with

periods as (
    select 'day' as period, cast(:day_start as timestamptz) as starts_at
    union all
    select 'month' as period, cast(:month_start as timestamptz) as starts_at
),

answers as (
    select
        answer.customer_key,
        answer.happened_at,
        case when answer.instrument = 'nps' then 'nps' else 'csat' end as kpi,
        case
            when answer.instrument = 'csat' then cast(answer.score as double precision)
            when answer.score >= 9 then 100
            when answer.score <= 6 then -100
            else 0
        end as numerator,
        1 as denominator
    from core.survey_answer as answer
    where
        answer.instrument in ('nps', 'csat')
        and answer.score is not null
        and answer.happened_at >= :month_start
        and answer.happened_at < :as_of
        and (answer.deleted_at is null or answer.deleted_at >= :known_at)
),

-- The state as it was known as of the date: a reply given later does not repair an earlier day's figure.
complaints as (
    select
        complaint.customer_key,
        complaint.opened_at as happened_at,
        (
            complaint.acknowledged_at <= complaint.opened_at + cast(:acknowledge_within as interval)
            and complaint.first_replied_at <= complaint.opened_at + cast(:reply_within as interval)
        ) as is_inside_clock,
        (
            coalesce(complaint.acknowledged_at, :known_at) > complaint.opened_at + cast(:acknowledge_within as interval)
            or coalesce(complaint.first_replied_at, :known_at) > complaint.opened_at + cast(:reply_within as interval)
        ) as is_breached
    from core.complaint as complaint
    where
        complaint.valid_from < :known_at
        and (complaint.valid_to is null or complaint.valid_to >= :known_at)
        and complaint.opened_at >= :month_start
        and complaint.opened_at < :as_of
        and (complaint.deleted_at is null or complaint.deleted_at >= :known_at)
),

paid_orders as (
    select
        entry.customer_key,
        entry.happened_at
    from core.order_entry as entry
    where
        entry.kind = 'paid'
        and entry.happened_at >= :month_start
        and entry.happened_at < :as_of
        and (entry.deleted_at is null or entry.deleted_at >= :known_at)
),

events as (
    select customer_key, happened_at, kpi, numerator, denominator from answers
    union all
    select customer_key, happened_at, 'complaint_rate' as kpi, 1 as numerator, 0 as denominator from complaints
    union all
    select customer_key, happened_at, 'complaint_rate' as kpi, 0 as numerator, 1 as denominator from paid_orders
    union all
    select
        customer_key,
        happened_at,
        'complaints_inside_clock' as kpi,
        case when is_inside_clock then 1 else 0 end as numerator,
        1 as denominator
    from complaints
    where is_inside_clock or is_breached
),

event_sums as (
    -- One row per customer first: a customer is counted once, however much was said.
    select
        kpi,
        period,
        customer_key,
        sum(numerator) as numerator,
        sum(denominator) as denominator
    from (
        select
            events.kpi,
            periods.period,
            events.customer_key,
            events.numerator,
            events.denominator
        from events
        inner join periods on events.happened_at >= periods.starts_at
    ) as dated
    group by kpi, period, customer_key
),

combinations as (
    select
        labels.cell,
        customer_sums.kpi,
        customer_sums.period,
        sum(customer_sums.numerator) as numerator,
        sum(customer_sums.denominator) as denominator,
        count(*) as customers
    from event_sums as customer_sums
    inner join kpi.labels as labels on customer_sums.customer_key = labels.customer_key
    group by labels.cell, customer_sums.kpi, customer_sums.period
),

kpis as (
    select
        combinations.kpi,
        combinations.period,
        label.dimension,
        label.member,
        sum(combinations.numerator) as numerator,
        sum(combinations.denominator) as denominator,
        cast(sum(combinations.customers) as bigint) as customers
    from combinations
    inner join kpi.headings as label on combinations.cell = label.cell
    group by combinations.kpi, combinations.period, label.dimension, label.member
)

select
    :as_of_date as as_of_date,
    kpis.kpi,
    kpis.period,
    cast(periods.starts_at at time zone :business_timezone as date) as period_start,
    kpis.dimension,
    kpis.member,
    cast(kpis.numerator as double precision) as numerator,
    cast(kpis.denominator as double precision) as denominator,
    cast(kpis.numerator as double precision) / nullif(kpis.denominator, 0) as value,
    kpis.customers
from kpis
inner join periods on kpis.period = periods.period
