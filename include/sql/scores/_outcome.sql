-- scores.outcome of one kind and scored date: every prediction with what followed it within its horizon.
-- Somebody who was linked with another person since is judged by the orders of both.
with

scored as (
    select
        'churn' as kind,
        score.as_of_date as scored_as_of,
        score.customer_key,
        score.horizon_days,
        score.model_version,
        score.is_fallback,
        score.churn_probability as predicted,
        cast(null as double precision) as predicted_lower,
        cast(null as double precision) as predicted_upper
    from scores.churn as score
    where :kind = 'churn' and score.as_of_date = :scored_as_of
    union all
    select
        'clv' as kind,
        score.as_of_date as scored_as_of,
        score.customer_key,
        score.horizon_days,
        score.model_version,
        score.is_fallback,
        cast(score.net_revenue_12m_minor as double precision) as predicted,
        case when score.basis = 'net_revenue' then cast(score.clv_12m_lower_minor as double precision) end as predicted_lower,
        case when score.basis = 'net_revenue' then cast(score.clv_12m_upper_minor as double precision) end as predicted_upper
    from scores.clv as score
    where :kind = 'clv' and score.as_of_date = :scored_as_of
    union all
    select
        horizons.kind,
        score.as_of_date as scored_as_of,
        score.customer_key,
        horizons.days as horizon_days,
        score.model_version,
        score.is_fallback,
        case when horizons.days = 30 then score.probability_30d else score.probability_90d end as predicted,
        cast(null as double precision) as predicted_lower,
        cast(null as double precision) as predicted_upper
    from scores.repurchase as score
    inner join (values ('repurchase_30d', 30), ('repurchase_90d', 90)) as horizons (kind, days) on horizons.kind = :kind
    where score.as_of_date = :scored_as_of
),

people as (
    select
        scored.*,
        coalesce(alias.customer_key, scored.customer_key) as person_key
    from scored
    left join core.customer_alias as alias on scored.customer_key = alias.source_customer_key
),

-- As in features/_labels: an order counts where it was paid, so that money given back for an earlier one lowers nothing here.
orders as (
    select
        entry.customer_key,
        entry.order_key,
        sum(entry.order_count) as order_count,
        -- Discounted from the day it came in, as the prediction is.
        sum(
            entry.net_minor
            * power(1 + cast(:discount as double precision), -extract(epoch from entry.happened_at - :starts_at) / 86400 / 365)
        ) as net_minor
    from core.order_entry as entry
    where
        entry.happened_at >= :starts_at
        and entry.happened_at < :ends_at
        and (entry.deleted_at is null or entry.deleted_at >= :as_of)
    group by entry.customer_key, entry.order_key
    having bool_or(entry.kind = 'paid')
),

followed as (
    select
        customer_key,
        bool_or(order_count > 0) as has_order,
        sum(net_minor) as net_minor
    from orders
    group by customer_key
)

select
    people.kind,
    people.scored_as_of,
    people.customer_key,
    people.horizon_days,
    people.model_version,
    people.is_fallback,
    people.predicted,
    people.predicted_lower,
    people.predicted_upper,
    case
        when people.kind = 'clv' then cast(coalesce(followed.net_minor, 0) as double precision)
        when people.kind = 'churn' then cast(not coalesce(followed.has_order, false) as integer)
        else cast(coalesce(followed.has_order, false) as integer)
    end as realised,
    people.scored_as_of + people.horizon_days as matured_on,
    cast(:as_of_date as date) as measured_as_of
from people
left join followed on people.person_key = followed.customer_key
