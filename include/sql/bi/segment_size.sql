-- with (security_barrier = true)
-- bi.segment_size: customers per group as of the newest published date, small groups hidden.
with

newest as (
    select max(cast(slice_key as date)) as as_of_date
    from ops.published
    where table_name = 'segments.tier'
),

groups as (
    select
        newest.as_of_date,
        label.dimension,
        label.member,
        label.member_zh
    from newest
    inner join segments.tier as tier on newest.as_of_date = tier.as_of_date
    left join segments.lifecycle as lifecycle
        on tier.as_of_date = lifecycle.as_of_date and tier.customer_key = lifecycle.customer_key
    left join segments.value_matrix as matrix
        on tier.as_of_date = matrix.as_of_date and tier.customer_key = matrix.customer_key
    left join segments.rfm as rfm on tier.as_of_date = rfm.as_of_date and tier.customer_key = rfm.customer_key
    left join segments.membership as membership
        on tier.as_of_date = membership.as_of_date and tier.customer_key = membership.customer_key
    cross join lateral (
        values
        ('tier', tier.service_tier, tier.service_tier_zh),
        ('stage', lifecycle.lifecycle_stage, lifecycle.lifecycle_stage_zh),
        ('value_class', matrix.value_class, matrix.value_class_zh),
        ('rfm_class', rfm.rfm_class, rfm.rfm_class_zh),
        ('rfm_segment', rfm.rfm_segment, rfm.rfm_segment_zh),
        ('membership_level', membership.membership_level, membership.membership_level_zh)
    ) as label (dimension, member, member_zh)
    where label.member is not null
),

counted as (
    select
        as_of_date,
        dimension,
        member,
        max(member_zh) as member_zh,
        count(*) as customers,
        count(*) < coalesce(
            (select cast(setting.value as integer) from bi.setting as setting where setting.name = 'suppressed_group_size'), 10
        ) as is_small
    from groups
    group by as_of_date, dimension, member
),

ranked as (
    select
        counted.*,
        sum(customers) over (partition by dimension) as all_customers,
        count(*) filter (where is_small) over (partition by dimension) as count_small,
        row_number() over (partition by dimension order by is_small, customers, member) as place
    from counted
),

shown as (
    select
        ranked.*,
        is_small or (count_small = 1 and place = 1) as is_suppressed
    from ranked
)

select
    as_of_date,
    dimension,
    member,
    member_zh,
    case when not is_suppressed then customers end as customers,
    case when not is_suppressed then cast(customers as double precision) / cast(all_customers as double precision) end as share,
    is_suppressed
from shown
