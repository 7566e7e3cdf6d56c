-- Who would move under other settings: for each kind of group, customers by group before and after, with what they bring and
-- what contacting them costs. Before and after are temporary tables of `retention segment what-if`, named here as slices.
-- Settled: both without damping, as it will be once the days of grace are over. At the next run: against the groups held now.
with

customers as (
    select
        before.customer_key,
        before.service_tier as tier_before,
        after_tier.service_tier as tier_after,
        held.service_tier as tier_held,
        next_tier.service_tier as tier_next,
        before.is_at_risk as risk_before,
        after_tier.is_at_risk as risk_after,
        held.is_at_risk as risk_held,
        next_tier.is_at_risk as risk_next,
        stage_before.lifecycle_stage as stage_before,
        stage_after.lifecycle_stage as stage_after,
        stage_held.lifecycle_stage as stage_held,
        stage_next.lifecycle_stage as stage_next,
        before.value_class as class_before,
        after_tier.value_class as class_after,
        level_before.membership_level as level_before,
        level_after.membership_level as level_after
    from before_tier as before
    inner join after_tier on before.customer_key = after_tier.customer_key
    inner join next_tier on before.customer_key = next_tier.customer_key
    inner join before_lifecycle as stage_before on before.customer_key = stage_before.customer_key
    inner join after_lifecycle as stage_after on before.customer_key = stage_after.customer_key
    inner join next_lifecycle as stage_next on before.customer_key = stage_next.customer_key
    inner join before_membership as level_before on before.customer_key = level_before.customer_key
    inner join after_membership as level_after on before.customer_key = level_after.customer_key
    inner join segments.tier as held on held.as_of_date = :as_of_date and before.customer_key = held.customer_key
    inner join segments.lifecycle as stage_held
        on stage_held.as_of_date = :as_of_date and before.customer_key = stage_held.customer_key
),

costs as (
    select
        coalesce(alias.customer_key, delivery.customer_key) as customer_key,
        sum(delivery.cost_minor) as cost_minor
    from campaigns.delivery as delivery
    left join core.customer_alias as alias on delivery.customer_key = alias.source_customer_key
    where delivery.as_of_date > cast(:as_of_date as date) - :cost_days and delivery.as_of_date <= :as_of_date
    group by 1
),

grouped as (
    select
        customers.tier_before,
        customers.tier_after,
        customers.tier_held,
        customers.tier_next,
        customers.risk_before,
        customers.risk_after,
        customers.risk_held,
        customers.risk_next,
        customers.stage_before,
        customers.stage_after,
        customers.stage_held,
        customers.stage_next,
        customers.class_before,
        customers.class_after,
        customers.level_before,
        customers.level_after,
        count(*) as customers,
        coalesce(sum(orders.net_minor_365d), 0) as net_minor,
        coalesce(sum(clv.clv_12m_minor), 0) as predicted_minor,
        coalesce(sum(costs.cost_minor), 0) as cost_minor
    from customers
    left join features.customer_orders as orders
        on orders.as_of_date = :as_of_date and customers.customer_key = orders.customer_key
    left join scores.clv as clv on clv.as_of_date = :as_of_date and customers.customer_key = clv.customer_key
    left join costs on customers.customer_key = costs.customer_key
    group by 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16
),

long as (
    select
        move.dimension,
        move.from_member,
        move.to_member,
        move.is_next,
        grouped.customers,
        grouped.net_minor,
        grouped.predicted_minor,
        grouped.cost_minor
    from grouped
    cross join lateral (
        values
        ('tier', grouped.tier_before, grouped.tier_after, false),
        ('tier', grouped.tier_held, grouped.tier_next, true),
        ('at_risk', cast(grouped.risk_before as text), cast(grouped.risk_after as text), false),
        ('at_risk', cast(grouped.risk_held as text), cast(grouped.risk_next as text), true),
        ('stage', grouped.stage_before, grouped.stage_after, false),
        ('stage', grouped.stage_held, grouped.stage_next, true),
        ('value_class', grouped.class_before, grouped.class_after, false),
        ('value_class', grouped.class_before, grouped.class_after, true),
        ('membership_level', grouped.level_before, grouped.level_after, false),
        ('membership_level', grouped.level_before, grouped.level_after, true)
    ) as move (dimension, from_member, to_member, is_next)
)

select
    dimension,
    from_member,
    to_member,
    cast(coalesce(sum(customers) filter (where not is_next), 0) as bigint) as settled,
    cast(coalesce(sum(customers) filter (where is_next), 0) as bigint) as next_run,
    cast(coalesce(sum(net_minor) filter (where not is_next), 0) as bigint) as net_minor,
    cast(coalesce(sum(predicted_minor) filter (where not is_next), 0) as bigint) as predicted_minor,
    cast(coalesce(sum(cost_minor) filter (where not is_next), 0) as bigint) as cost_minor
from long
group by dimension, from_member, to_member
order by dimension, from_member, to_member
