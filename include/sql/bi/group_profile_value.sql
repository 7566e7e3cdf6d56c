-- bi.group_profile_value: everybody counted once by all headings together, a few thousand combinations in the place of a million
-- rows, and only then under each heading. `kpi.labels` stands for the customers and what is known of them.
with

combined as (
    select
        labels.tier as service_tier,
        labels.stage as lifecycle_stage,
        labels.value_class,
        labels.membership as membership_level,
        labels.rfm_class,
        labels.segment as rfm_segment,
        labels.recency_score,
        labels.frequency_score,
        labels.monetary_score,
        labels.persona,
        count(*) as customers,
        count(labels.churn_probability) as purchasers,
        count(*) filter (where labels.is_at_risk) as at_risk_customers,
        sum(coalesce(labels.net_minor_365d, 0)) as net_minor_365d,
        sum(coalesce(labels.clv_12m_minor, 0)) as clv_12m_minor,
        sum(coalesce(labels.churn_probability * labels.clv_12m_minor, 0)) as value_at_risk_minor,
        sum(labels.churn_probability) as churn_sum
    from kpi.labels as labels
    where labels.is_known
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
