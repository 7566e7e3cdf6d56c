-- segments.value_matrix: one row per customer per as_of_date.
-- Cut-offs are quantiles over the purchasers of the day and stand in every row, so that each class can be explained later.
-- Current value: net spend of 365 days and what the customer holds (deposits, stored value). High means above the cut-off;
-- who never bought never pushes a cut-off down.
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
        sum(amount_minor)::bigint as held_minor
    from balances
    group by customer_key
),

purchasers as (
    select
        orders.customer_key,
        orders.net_minor_365d + coalesce(holdings.held_minor, 0) as current_value_minor,
        coalesce(clv.clv_12m_minor, 0) as potential_value_minor
    from features.customer_orders as orders
    left join scores.clv as clv
        on orders.as_of_date = clv.as_of_date and orders.customer_key = clv.customer_key
    left join holdings on orders.customer_key = holdings.customer_key
    where orders.as_of_date = :as_of_date
),

cut_offs as (
    select
        greatest(
            coalesce(percentile_disc(:current_value_quantile) within group (order by current_value_minor), 0), 0
        ) as current_cutoff_minor,
        greatest(
            coalesce(percentile_disc(:potential_value_quantile) within group (order by potential_value_minor), 0), 0
        ) as potential_cutoff_minor
    from purchasers
),

valued as (
    select
        customers.customer_key,
        coalesce(purchasers.current_value_minor, holdings.held_minor, 0) as current_value_minor,
        coalesce(purchasers.potential_value_minor, 0) as potential_value_minor,
        cut_offs.current_cutoff_minor,
        cut_offs.potential_cutoff_minor
    from customers
    cross join cut_offs
    left join purchasers on customers.customer_key = purchasers.customer_key
    left join holdings on customers.customer_key = holdings.customer_key
),

classed as (
    select
        customer_key,
        current_value_minor,
        potential_value_minor,
        current_cutoff_minor,
        potential_cutoff_minor,
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
    classed.customer_key,
    classed.current_value_minor,
    classed.potential_value_minor,
    classed.current_cutoff_minor,
    classed.potential_cutoff_minor,
    classed.value_class,
    label.label_zh as value_class_zh
from classed
inner join segments.label as label
    on classed.value_class = label.label and label.label_group = 'value_class'
