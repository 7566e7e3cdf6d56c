-- What segments.migration keeps of a date and a span: every customer of either slice once per dimension.
with

later as (
    select
        tier.customer_key,
        tier.service_tier,
        lifecycle.lifecycle_stage,
        matrix.value_class,
        coalesce(rfm.rfm_segment, 'none') as rfm_segment,
        membership.membership_level
    from segments.tier as tier
    inner join segments.lifecycle as lifecycle
        on tier.as_of_date = lifecycle.as_of_date and tier.customer_key = lifecycle.customer_key
    inner join segments.value_matrix as matrix
        on tier.as_of_date = matrix.as_of_date and tier.customer_key = matrix.customer_key
    inner join segments.membership as membership
        on tier.as_of_date = membership.as_of_date and tier.customer_key = membership.customer_key
    left join segments.rfm as rfm on tier.as_of_date = rfm.as_of_date and tier.customer_key = rfm.customer_key
    where tier.as_of_date = :as_of_date
),

earlier as (
    select
        tier.customer_key,
        tier.service_tier,
        lifecycle.lifecycle_stage,
        matrix.value_class,
        coalesce(rfm.rfm_segment, 'none') as rfm_segment,
        membership.membership_level
    from segments.tier as tier
    inner join segments.lifecycle as lifecycle
        on tier.as_of_date = lifecycle.as_of_date and tier.customer_key = lifecycle.customer_key
    inner join segments.value_matrix as matrix
        on tier.as_of_date = matrix.as_of_date and tier.customer_key = matrix.customer_key
    inner join segments.membership as membership
        on tier.as_of_date = membership.as_of_date and tier.customer_key = membership.customer_key
    left join segments.rfm as rfm on tier.as_of_date = rfm.as_of_date and tier.customer_key = rfm.customer_key
    where tier.as_of_date = :since_date
),

-- Counted by all five at once first: a few thousand combinations in the place of millions of rows.
combined as (
    select
        earlier.service_tier as from_tier,
        later.service_tier as to_tier,
        earlier.lifecycle_stage as from_stage,
        later.lifecycle_stage as to_stage,
        earlier.value_class as from_class,
        later.value_class as to_class,
        earlier.rfm_segment as from_segment,
        later.rfm_segment as to_segment,
        earlier.membership_level as from_level,
        later.membership_level as to_level,
        count(*) as customers
    from later
    full join earlier on later.customer_key = earlier.customer_key
    group by 1, 2, 3, 4, 5, 6, 7, 8, 9, 10
)

select
    cast(:as_of_date as date) as as_of_date,
    cast(:span as text) as span,
    cast(:since_date as date) as since_date,
    move.dimension,
    coalesce(move.from_member, 'none') as from_member,
    coalesce(move.to_member, 'none') as to_member,
    cast(sum(combined.customers) as bigint) as customers
from combined
cross join lateral (
    values
    ('tier', combined.from_tier, combined.to_tier),
    ('stage', combined.from_stage, combined.to_stage),
    ('value_class', combined.from_class, combined.to_class),
    ('rfm_segment', combined.from_segment, combined.to_segment),
    ('membership_level', combined.from_level, combined.to_level)
) as move (dimension, from_member, to_member)
group by move.dimension, coalesce(move.from_member, 'none'), coalesce(move.to_member, 'none')
