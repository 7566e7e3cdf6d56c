-- bi.group_profile_value: everybody counted once by all headings together, a few thousand combinations in the place of a million
-- rows, and only then under each heading.
with

combined as (
    select
        tier.service_tier,
        lifecycle.lifecycle_stage,
        matrix.value_class,
        membership.membership_level,
        rfm.rfm_class,
        rfm.rfm_segment,
        rfm.recency_score,
        rfm.frequency_score,
        rfm.monetary_score,
        persona.persona,
        count(*) as customers,
        count(churn.customer_key) as purchasers,
        count(*) filter (where tier.is_at_risk) as at_risk_customers,
        sum(coalesce(rfm.net_minor_365d, 0)) as net_minor_365d,
        sum(coalesce(clv.clv_12m_minor, 0)) as clv_12m_minor,
        sum(coalesce(churn.churn_probability * clv.clv_12m_minor, 0)) as value_at_risk_minor,
        sum(churn.churn_probability) as churn_sum
    from segments.tier as tier
    inner join core.customer as customer
        on tier.customer_key = customer.customer_key and customer.valid_to is null and not customer.is_test and not customer.is_staff
    left join segments.lifecycle as lifecycle
        on tier.as_of_date = lifecycle.as_of_date and tier.customer_key = lifecycle.customer_key
    left join segments.value_matrix as matrix
        on tier.as_of_date = matrix.as_of_date and tier.customer_key = matrix.customer_key
    left join segments.membership as membership
        on tier.as_of_date = membership.as_of_date and tier.customer_key = membership.customer_key
    left join segments.rfm as rfm on tier.as_of_date = rfm.as_of_date and tier.customer_key = rfm.customer_key
    left join scores.churn as churn on tier.as_of_date = churn.as_of_date and tier.customer_key = churn.customer_key
    left join scores.clv as clv on tier.as_of_date = clv.as_of_date and tier.customer_key = clv.customer_key
    left join scores.persona as persona on tier.as_of_date = persona.as_of_date and tier.customer_key = persona.customer_key
    where tier.as_of_date = :as_of_date
    group by 1, 2, 3, 4, 5, 6, 7, 8, 9, 10
),

headed as (
    select
        combined.*,
        heading.grouping,
        heading.member,
        heading.part
    from combined
    cross join lateral (
        values
        ('all', 'all', 'all'),
        ('tier', combined.service_tier, 'all'),
        ('stage', combined.lifecycle_stage, 'all'),
        ('value_class', combined.value_class, 'all'),
        ('membership_level', combined.membership_level, 'all'),
        ('rfm_class', combined.rfm_class, 'all'),
        ('rfm_segment', combined.rfm_segment, 'all'),
        ('persona', combined.persona, 'all'),
        ('rfm_cell', combined.recency_score || '-' || combined.frequency_score, 'all'),
        ('rfm_cell', combined.recency_score || '-' || combined.frequency_score, cast(combined.monetary_score as text)),
        ('tier_stage', combined.service_tier, combined.lifecycle_stage)
    ) as heading (grouping, member, part)
    where heading.member is not null and heading.part is not null
)

select
    cast(:as_of_date as date) as as_of_date,
    grouping,
    member,
    part,
    cast(sum(customers) as bigint) as customers,
    cast(sum(purchasers) as bigint) as purchasers,
    cast(sum(at_risk_customers) as bigint) as at_risk_customers,
    cast(sum(net_minor_365d) as bigint) as net_minor_365d,
    cast(sum(clv_12m_minor) as bigint) as clv_12m_minor,
    cast(round(cast(sum(value_at_risk_minor) as numeric)) as bigint) as value_at_risk_minor,
    sum(churn_sum) / nullif(cast(sum(purchasers) as double precision), 0) as mean_churn_probability,
    case when grouping = 'rfm_cell' then mode() within group (order by rfm_segment) end as rfm_segment
from headed
group by grouping, member, part
