-- segments.tier: one row per customer per as_of_date.
-- The computed tier follows from value class and RFM class by segments.service_tier_rule. Because potential value is a prediction,
-- a customer belongs to one of two tiers: that of the class with high potential or that with low, by its probability. The tier
-- held moves up once the probability of belonging at least there reaches :tier_up_probability. It moves down when the probability of
-- belonging at least to the tier held has been below :tier_down_probability for :tier_grace_days days. In between nobody moves:
-- no flip-flop from day to day. A tag of the CRM goes before all this, and damping goes on beneath it.
with

classed as (
    select
        value_matrix.customer_key,
        value_matrix.value_class,
        rfm.rfm_class,
        value_matrix.potential_high_probability,
        case when value_matrix.current_value_minor > value_matrix.current_cutoff_minor then 'strategic' else 'growth' end
            as class_if_high,
        case when value_matrix.current_value_minor > value_matrix.current_cutoff_minor then 'base' else 'marginal' end
            as class_if_low
    from segments.value_matrix as value_matrix
    left join segments.rfm as rfm
        on value_matrix.as_of_date = rfm.as_of_date and value_matrix.customer_key = rfm.customer_key
    where value_matrix.as_of_date = :as_of_date
),

rules as (
    select
        service_tier_rule.value_class,
        service_tier_rule.rfm_class,
        service_tier_rule.service_tier,
        label.label_order as tier_order
    from segments.service_tier_rule as service_tier_rule
    inner join segments.label as label
        on service_tier_rule.service_tier = label.label and label.label_group = 'service_tier'
),

computed as (
    select
        classed.customer_key,
        classed.value_class,
        classed.rfm_class,
        rule.service_tier as computed_tier,
        rule.tier_order as computed_order,
        least(if_high.tier_order, if_low.tier_order) as lesser_order,
        greatest(if_high.tier_order, if_low.tier_order) as greater_order,
        -- The table may give the class with high potential the lower tier; nothing here depends on which way it goes.
        case
            when if_high.tier_order >= if_low.tier_order then classed.potential_high_probability
            else 1 - classed.potential_high_probability
        end as greater_probability
    from classed
    inner join rules as rule
        on classed.value_class = rule.value_class and coalesce(classed.rfm_class, 'none') = rule.rfm_class
    inner join rules as if_high
        on classed.class_if_high = if_high.value_class and coalesce(classed.rfm_class, 'none') = if_high.rfm_class
    inner join rules as if_low
        on classed.class_if_low = if_low.value_class and coalesce(classed.rfm_class, 'none') = if_low.rfm_class
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
        tier.at_risk_since,
        label.label_order as own_order
    from segments.tier as tier
    inner join segments.label as label
        on tier.own_tier = label.label and label.label_group = 'service_tier'
    where tier.as_of_date = :previous_date
),

risks as (
    -- Who is at risk stays so until both scores are clearly below the thresholds: the other half of the damping.
    select
        orders.customer_key,
        case
            when coalesce(previous.is_at_risk, false)
                then
                    coalesce(churn.churn_probability >= :at_risk_release_probability, false)
                    or coalesce(orders.overdue_ratio >= :at_risk_release_overdue_ratio, false)
            else
                coalesce(churn.churn_probability >= :at_risk_probability, false)
                or coalesce(orders.overdue_ratio >= :at_risk_overdue_ratio, false)
        end as is_at_risk
    from features.customer_orders as orders
    left join scores.churn as churn
        on orders.as_of_date = churn.as_of_date and orders.customer_key = churn.customer_key
    left join previous on orders.customer_key = previous.customer_key
    where orders.as_of_date = :as_of_date
),

compared as (
    select
        computed.*,
        previous.own_order as held_order,
        case when computed.greater_probability >= :tier_up_probability then computed.greater_order else computed.lesser_order end
            as up_order,
        case when computed.greater_probability >= :tier_down_probability then computed.greater_order else computed.lesser_order end
            as down_order
    from computed
    left join previous on computed.customer_key = previous.customer_key
),

waiting as (
    select
        compared.*,
        case when compared.down_order < compared.held_order then coalesce(previous.lower_since, :as_of_date) end as lower_since
    from compared
    left join previous on compared.customer_key = previous.customer_key
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
),

tagged as (
    select
        damped.*,
        own.label as own_tier,
        damped.held_order is null
        or damped.own_order <> damped.held_order
        or damped.own_order = damped.computed_order as is_new_basis,
        case
            when tag.tier_effect = 'tier_exactly' or forced.label_order > damped.own_order then tag.effect_tier else own.label
        end as service_tier,
        case when tag.tier_effect = 'tier_exactly' or forced.label_order > damped.own_order then tag.tier_tag end as tier_tag
    from damped
    inner join segments.label as own on damped.own_order = own.label_order and own.label_group = 'service_tier'
    left join segments.tag as tag on tag.as_of_date = :as_of_date and damped.customer_key = tag.customer_key
    left join segments.label as forced on tag.effect_tier = forced.label and forced.label_group = 'service_tier'
)

select
    :as_of_date as as_of_date,
    tagged.customer_key,
    tagged.service_tier,
    label.label_zh as service_tier_zh,
    coalesce(risks.is_at_risk, false) as is_at_risk,
    case
        when risks.is_at_risk then case when previous.is_at_risk then previous.at_risk_since else :as_of_date end
    end as at_risk_since,
    case when tagged.service_tier = previous.service_tier then previous.tier_since else :as_of_date end as tier_since,
    case
        when tagged.service_tier = previous.service_tier then previous.previous_tier else previous.service_tier
    end as previous_tier,
    tagged.own_tier,
    tagged.tier_tag,
    tagged.computed_tier,
    case
        when tagged.own_order <= tagged.lesser_order then 1
        when tagged.own_order <= tagged.greater_order then tagged.greater_probability
        else 0
    end as tier_probability,
    case when tagged.own_order = tagged.held_order then tagged.lower_since end as lower_since,
    tagged.value_class,
    tagged.rfm_class,
    -- What the tier held rests on: the classes of the newest day that gave it. A move is explained by what has changed since.
    case when tagged.is_new_basis then tagged.value_class else previous.basis_value_class end as basis_value_class,
    case when tagged.is_new_basis then tagged.rfm_class else previous.basis_rfm_class end as basis_rfm_class,
    case
        when tagged.service_tier = previous.service_tier then null
        when previous.customer_key is null then 'first_seen'
        when tagged.tier_tag <> coalesce(previous.tier_tag, '') then 'crm_tag'
        when previous.tier_tag is not null and tagged.tier_tag is null then 'crm_tag_removed'
        when
            tagged.value_class <> previous.basis_value_class
            and coalesce(tagged.rfm_class, 'none') <> coalesce(previous.basis_rfm_class, 'none')
            then 'value_and_rfm_class'
        when tagged.value_class <> previous.basis_value_class then 'value_class'
        when coalesce(tagged.rfm_class, 'none') <> coalesce(previous.basis_rfm_class, 'none') then 'rfm_class'
        when tagged.greater_order > tagged.lesser_order then 'probability'
        else 'rules'
    end as move_reason
from tagged
left join previous on tagged.customer_key = previous.customer_key
left join risks on tagged.customer_key = risks.customer_key
inner join segments.label as label
    on tagged.service_tier = label.label and label.label_group = 'service_tier'
