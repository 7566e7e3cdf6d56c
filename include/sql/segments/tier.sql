-- segments.tier: one row per customer per as_of_date.
-- The computed tier follows from value class and RFM class by segments.service_tier_rule. Because potential value is a prediction,
-- a customer belongs to one of two tiers: that of the class with high potential or that with low, by its probability. The tier
-- held moves up once the probability of belonging at least there reaches :tier_up_probability. It moves down when the probability of
-- belonging at least to the tier held has been below :tier_down_probability for :tier_grace_days days. In between nobody moves:
-- no flip-flop from day to day. A tag of the CRM goes before all this, and damping goes on beneath it.
with

-- The two small tables as one row each: looking them up can then never lead the planner to join a million customers row by row.
tiers as (
    select
        array_agg(label order by label_order) as names,
        array_agg(label_zh order by label_order) as names_zh
    from segments.label
    where label_group = 'service_tier'
),

rules as (
    select jsonb_object_agg(service_tier_rule.value_class || ' ' || service_tier_rule.rfm_class, service_tier_rule.service_tier) as tier_of
    from segments.service_tier_rule as service_tier_rule
),

previous as (
    select
        tier.customer_key,
        tier.service_tier,
        tier.tier_since,
        tier.previous_tier,
        tier.own_tier,
        tier.lower_since,
        tier.basis_value_class,
        tier.basis_rfm_class,
        tier.tier_tag,
        tier.is_at_risk,
        tier.at_risk_since
    from segments.tier as tier
    where tier.as_of_date = :previous_date
),

customers as (
    select
        value_matrix.customer_key,
        value_matrix.value_class,
        rfm.rfm_class,
        value_matrix.potential_high_probability,
        case when value_matrix.current_value_minor > value_matrix.current_cutoff_minor then 'strategic ' else 'growth ' end
        || coalesce(rfm.rfm_class, 'none') as classes_if_high,
        case when value_matrix.current_value_minor > value_matrix.current_cutoff_minor then 'base ' else 'marginal ' end
        || coalesce(rfm.rfm_class, 'none') as classes_if_low,
        tag.tier_tag,
        tag.tier_effect,
        tag.effect_tier,
        previous.customer_key is not null as is_known,
        previous.service_tier as held_tier,
        previous.tier_since as held_since,
        previous.previous_tier,
        previous.own_tier as held_own_tier,
        previous.lower_since as held_lower_since,
        previous.basis_value_class as held_basis_value_class,
        previous.basis_rfm_class as held_basis_rfm_class,
        previous.tier_tag as held_tag,
        previous.at_risk_since as held_risk_since,
        -- Who is at risk stays so until both scores are clearly below the thresholds: the other half of the damping.
        case
            when previous.is_at_risk
                then
                    churn.churn_probability >= :at_risk_release_probability
                    or orders.overdue_ratio >= :at_risk_release_overdue_ratio
            else churn.churn_probability >= :at_risk_probability or orders.overdue_ratio >= :at_risk_overdue_ratio
        end as is_at_risk
    from segments.value_matrix as value_matrix
    left join segments.rfm as rfm on rfm.as_of_date = :as_of_date and value_matrix.customer_key = rfm.customer_key
    left join segments.tag as tag on tag.as_of_date = :as_of_date and value_matrix.customer_key = tag.customer_key
    left join features.customer_orders as orders
        on orders.as_of_date = :as_of_date and value_matrix.customer_key = orders.customer_key
    left join scores.churn as churn
        on churn.as_of_date = :as_of_date and orders.customer_key = churn.customer_key
    left join previous on value_matrix.customer_key = previous.customer_key
    where value_matrix.as_of_date = :as_of_date
),

-- `offset 0` keeps the planner from copying each step into every place of the next that reads it: a dozen look-ups would become
-- hundreds.
computed as (
    select
        customers.*,
        array_position(tiers.names, rules.tier_of ->> (customers.value_class || ' ' || coalesce(customers.rfm_class, 'none')))
            as computed_order,
        array_position(tiers.names, rules.tier_of ->> customers.classes_if_high) as order_if_high,
        array_position(tiers.names, rules.tier_of ->> customers.classes_if_low) as order_if_low,
        array_position(tiers.names, customers.held_own_tier) as held_order,
        array_position(tiers.names, customers.effect_tier) as forced_order
    from customers
    cross join tiers
    cross join rules
    offset 0  -- noqa: AM09
),

weighed as (
    select
        computed.*,
        least(order_if_high, order_if_low) as lesser_order,
        greatest(order_if_high, order_if_low) as greater_order,
        -- The table may give the class with high potential the lower tier; nothing here depends on which way it goes.
        case
            when order_if_high >= order_if_low then potential_high_probability else 1 - potential_high_probability
        end as greater_probability
    from computed
    offset 0  -- noqa: AM09
),

compared as (
    select
        weighed.*,
        case when greater_probability >= :tier_up_probability then greater_order else lesser_order end as up_order,
        case when greater_probability >= :tier_down_probability then greater_order else lesser_order end as down_order
    from weighed
    offset 0  -- noqa: AM09
),

waiting as (
    select
        compared.*,
        case when down_order < held_order then coalesce(held_lower_since, :as_of_date) end as lower_since
    from compared
    offset 0  -- noqa: AM09
),

damped as (
    select
        waiting.*,
        case
            when held_order is null then computed_order
            when up_order > held_order then up_order
            when lower_since is null or :as_of_date - lower_since < :tier_grace_days then held_order
            else down_order
        end as own_order
    from waiting
    offset 0  -- noqa: AM09
),

tagged as (
    select
        damped.*,
        held_order is null or own_order <> held_order or own_order = computed_order as is_new_basis,
        coalesce(tier_effect = 'tier_exactly' or forced_order > own_order, false) as is_forced
    from damped
),

named as (
    select
        tagged.*,
        tiers.names[tagged.own_order] as own_tier,
        tiers.names[tagged.computed_order] as computed_tier,
        case when tagged.is_forced then tagged.effect_tier else tiers.names[tagged.own_order] end as service_tier,
        tiers.names_zh[case when tagged.is_forced then tagged.forced_order else tagged.own_order end] as service_tier_zh,
        case when tagged.is_forced then tagged.tier_tag end as forcing_tag
    from tagged
    cross join tiers
)

select
    :as_of_date as as_of_date,
    named.customer_key,
    named.service_tier,
    named.service_tier_zh,
    coalesce(named.is_at_risk, false) as is_at_risk,
    case when named.is_at_risk then coalesce(named.held_risk_since, :as_of_date) end as at_risk_since,
    case when named.service_tier = named.held_tier then named.held_since else :as_of_date end as tier_since,
    case when named.service_tier = named.held_tier then named.previous_tier else named.held_tier end as previous_tier,
    named.own_tier,
    named.forcing_tag as tier_tag,
    named.computed_tier,
    case
        when named.own_order <= named.lesser_order then 1
        when named.own_order <= named.greater_order then named.greater_probability
        else 0
    end as tier_probability,
    case when named.own_order = named.held_order then named.lower_since end as lower_since,
    named.value_class,
    named.rfm_class,
    -- What the tier held rests on: the classes of the newest day that gave it. A move is explained by what has changed since.
    case when named.is_new_basis then named.value_class else named.held_basis_value_class end as basis_value_class,
    case when named.is_new_basis then named.rfm_class else named.held_basis_rfm_class end as basis_rfm_class,
    case
        when named.service_tier = named.held_tier then null
        when not named.is_known then 'first_seen'
        when named.forcing_tag <> coalesce(named.held_tag, '') then 'crm_tag'
        when named.held_tag is not null and named.forcing_tag is null then 'crm_tag_removed'
        when
            named.value_class <> named.held_basis_value_class
            and coalesce(named.rfm_class, 'none') <> coalesce(named.held_basis_rfm_class, 'none')
            then 'value_and_rfm_class'
        when named.value_class <> named.held_basis_value_class then 'value_class'
        when coalesce(named.rfm_class, 'none') <> coalesce(named.held_basis_rfm_class, 'none') then 'rfm_class'
        when named.greater_order > named.lesser_order then 'probability'
        else 'rules'
    end as move_reason
from named
