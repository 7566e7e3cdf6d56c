-- KPIs of all customers rather than of what happened in a period, for bi.kpi_value: retention, churn, value, value at risk, referrals;
-- overall and under every heading. The same figure for the day and the month but for referrals.
-- `kpi.labels` stands for the customers with their cells, `kpi.headings` for the headings of each cell.
with

periods as (
    select 'day' as period, cast(:day_start as timestamptz) as starts_at
    union all
    select 'month' as period, cast(:month_start as timestamptz) as starts_at
),

-- An order that was cancelled again brought nobody back. Orders that something was taken back from are few: only these are summed.
undone as (
    select
        entry.order_key,
        sum(entry.order_count) as order_count
    from core.order_entry as entry
    where
        entry.happened_at >= :base_start
        and entry.happened_at < :as_of
        and (entry.deleted_at is null or entry.deleted_at >= :known_at)
        and entry.order_key in (
            select taken_back.order_key
            from core.order_entry as taken_back
            where
                taken_back.kind <> 'paid'
                and taken_back.order_count <> 0
                and taken_back.happened_at >= :base_start
                and taken_back.happened_at < :as_of
        )
    group by entry.order_key
    having sum(entry.order_count) <= 0
),

buyers_before as (
    select
        entry.customer_key,
        bool_or(entry.happened_at >= :horizon_start) as has_bought_again
    from core.order_entry as entry
    where
        entry.kind = 'paid'
        and entry.happened_at >= :base_start
        and entry.happened_at < :as_of
        and (entry.deleted_at is null or entry.deleted_at >= :known_at)
        and entry.order_key not in (select undone.order_key from undone)
    group by entry.customer_key
    having bool_or(entry.happened_at < :horizon_start)
),

referrers as (
    select
        referral.customer_key,
        max(referral.referred_at) as last_referred_at
    from core.referral as referral
    where
        referral.referred_at < :as_of
        and referral.referred_at >= :month_start
        and (referral.deleted_at is null or referral.deleted_at >= :known_at)
    group by referral.customer_key
),

combinations as (
    select
        labels.cell,
        count(buyers_before.customer_key) as buyers_before,
        count(*) filter (where buyers_before.has_bought_again) as retained,
        count(labels.clv_12m_minor) as scored,
        sum(labels.clv_12m_minor) as clv_12m_minor,
        count(labels.churn_probability) filter (where labels.clv_12m_minor > 0) as at_risk,
        sum(labels.churn_probability * greatest(labels.clv_12m_minor, 0)) as at_risk_minor,
        count(purchaser.customer_key) as purchasers,
        count(purchaser.customer_key) filter (where referrers.last_referred_at >= :day_start) as referred_day,
        count(purchaser.customer_key) filter (where referrers.customer_key is not null) as referred_month
    from kpi.labels as labels
    left join features.customer_orders as purchaser
        on labels.customer_key = purchaser.customer_key and purchaser.as_of_date = :as_of_date
    left join buyers_before on labels.customer_key = buyers_before.customer_key
    left join referrers on labels.customer_key = referrers.customer_key
    group by labels.cell
),

sums as (
    select
        label.dimension,
        label.member,
        sum(combinations.buyers_before) as buyers_before,
        sum(combinations.retained) as retained,
        sum(combinations.scored) as scored,
        sum(combinations.clv_12m_minor) as clv_12m_minor,
        sum(combinations.at_risk) as at_risk,
        coalesce(sum(combinations.at_risk_minor), 0) as at_risk_minor,
        sum(combinations.purchasers) as purchasers,
        sum(combinations.referred_day) as referred_day,
        sum(combinations.referred_month) as referred_month
    from combinations
    inner join kpi.headings as label on combinations.cell = label.cell
    group by label.dimension, label.member
)

select
    :as_of_date as as_of_date,
    kpi.kpi,
    periods.period,
    cast(periods.starts_at at time zone :business_timezone as date) as period_start,
    sums.dimension,
    sums.member,
    coalesce(cast(kpi.numerator as double precision), 0) as numerator,
    cast(kpi.denominator as double precision) as denominator,
    cast(coalesce(kpi.numerator, 0) as double precision) / nullif(cast(kpi.denominator as double precision), 0) as value,
    cast(kpi.customers as bigint) as customers
from sums
cross join periods
cross join lateral (
    values
    ('retention_rate', cast(sums.retained as double precision), sums.buyers_before, sums.buyers_before),
    ('churn_rate', sums.buyers_before - sums.retained, sums.buyers_before, sums.buyers_before),
    ('mean_clv_12m', sums.clv_12m_minor, sums.scored, sums.scored),
    ('value_at_risk', sums.at_risk_minor, 1, sums.at_risk),
    (
        'referral_rate',
        case when periods.period = 'day' then sums.referred_day else sums.referred_month end,
        sums.purchasers,
        sums.purchasers
    )
) as kpi (kpi, numerator, denominator, customers)
where kpi.kpi <> 'referral_rate' or kpi.denominator > 0
