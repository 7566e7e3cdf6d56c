-- segments.value_matrix: one row per customer per as_of_date.
-- Cut-offs are quantiles over the purchasers of the day, or amounts where the settings name them, and stand in every row, so that
-- each class can be explained later. Current value: net spend of 365 days and what the customer holds (deposits, stored value).
-- High means above the cut-off; who never bought never pushes a cut-off down.
-- Current value is known, potential value is predicted: how probably it lies above its cut-off is read from the interval of the
-- prediction. A logistic curve on either side of the prediction passes through both ends of the interval, so that half lies on
-- each side and the interval holds what it claims to hold.
with

customers as (
    select customer_key
    from features.customer_engagement
    where as_of_date = :as_of_date
),

balances as (
    -- The newest balance of each kind before the date: what a customer holds with us is value we have now.
    select distinct on (source_customer_key, kind)
        customer_key,
        amount_minor
    from core.holding
    where
        balance_date < :as_of_date
        and (deleted_at is null or deleted_at >= :as_of)
    order by source_customer_key, kind, balance_date desc
),

holdings as (
    select
        customer_key,
        cast(sum(amount_minor) as bigint) as held_minor
    from balances
    group by customer_key
),

purchasers as (
    select
        orders.customer_key,
        orders.net_minor_365d + coalesce(holdings.held_minor, 0) as current_value_minor,
        coalesce(clv.clv_12m_minor, 0) as potential_value_minor,
        clv.clv_12m_lower_minor,
        clv.clv_12m_upper_minor,
        clv.interval_probability
    from features.customer_orders as orders
    left join scores.clv as clv
        on orders.as_of_date = clv.as_of_date and orders.customer_key = clv.customer_key
    left join holdings on orders.customer_key = holdings.customer_key
    where orders.as_of_date = :as_of_date
),

quantiles as (
    select
        coalesce(percentile_disc(:current_value_quantile) within group (order by current_value_minor), 0) as current_minor,
        coalesce(percentile_disc(:potential_value_quantile) within group (order by potential_value_minor), 0) as potential_minor
    from purchasers
),

cut_offs as (
    select
        greatest(
            case when :current_value_cutoff_minor > 0 then :current_value_cutoff_minor else current_minor end, 0
        ) as current_cutoff_minor,
        greatest(
            case when :potential_value_cutoff_minor > 0 then :potential_value_cutoff_minor else potential_minor end, 0
        ) as potential_cutoff_minor
    from quantiles
),

valued as (
    select
        customers.customer_key,
        coalesce(purchasers.current_value_minor, holdings.held_minor, 0) as current_value_minor,
        coalesce(purchasers.potential_value_minor, 0) as potential_value_minor,
        cut_offs.current_cutoff_minor,
        cut_offs.potential_cutoff_minor,
        case
            when purchasers.clv_12m_lower_minor is null
                then :fallback_spread_share * abs(coalesce(purchasers.potential_value_minor, 0))
            when purchasers.potential_value_minor > cut_offs.potential_cutoff_minor
                then purchasers.potential_value_minor - purchasers.clv_12m_lower_minor
            else purchasers.clv_12m_upper_minor - purchasers.potential_value_minor
        end as reach_minor,
        least(greatest(coalesce(purchasers.interval_probability, :interval_probability), 0.01), 0.999) as interval_probability
    from customers
    cross join cut_offs
    left join purchasers on customers.customer_key = purchasers.customer_key
    left join holdings on customers.customer_key = holdings.customer_key
),

judged as (
    select
        customer_key,
        current_value_minor,
        potential_value_minor,
        current_cutoff_minor,
        potential_cutoff_minor,
        case
            when reach_minor <= 0 then cast(cast(potential_value_minor > potential_cutoff_minor as integer) as double precision)
            else
                1 / (1 + exp(least(greatest(
                    (potential_cutoff_minor - potential_value_minor)
                    * ln((1 + interval_probability) / (1 - interval_probability))
                    / reach_minor,
                    -50
                ), 50)))
        end as potential_high_probability,
        case
            when current_value_minor > current_cutoff_minor and potential_value_minor > potential_cutoff_minor
                then 'strategic'
            when potential_value_minor > potential_cutoff_minor then 'growth'
            when current_value_minor > current_cutoff_minor then 'base'
            else 'marginal'
        end as value_class
    from valued
)

select
    :as_of_date as as_of_date,
    judged.customer_key,
    judged.current_value_minor,
    judged.potential_value_minor,
    judged.current_cutoff_minor,
    judged.potential_cutoff_minor,
    judged.potential_high_probability,
    judged.value_class,
    label.label_zh as value_class_zh
from judged
inner join segments.label as label
    on judged.value_class = label.label and label.label_group = 'value_class'
