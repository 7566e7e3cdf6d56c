-- with (security_barrier = true)
-- bi.segment_migration: the migration matrix with labels. Counts are rounded to whole multiples of the suppression size and small
-- ones are hidden: the matrix has sums in both directions, and the sizes of groups are published, so hiding alone would not hide.
with

size as (
    select coalesce(
        (select cast(setting.value as integer) from bi.setting as setting where setting.name = 'suppressed_group_size'), 10
    ) as least_customers
),

totals as (
    select
        migration.*,
        sum(migration.customers) over (
            partition by migration.as_of_date, migration.span, migration.dimension, migration.from_member
        ) as from_customers
    from segments.migration as migration
),

labels as (
    select
        dimension,
        member as label,
        label_en,
        label_zh
    from bi.segment_label
)

select
    totals.as_of_date,
    totals.span,
    totals.since_date,
    totals.dimension,
    totals.from_member,
    coalesce(from_label.label_en, totals.from_member) as from_en,
    coalesce(from_label.label_zh, totals.from_member) as from_zh,
    totals.to_member,
    coalesce(to_label.label_en, totals.to_member) as to_en,
    coalesce(to_label.label_zh, totals.to_member) as to_zh,
    case
        when totals.customers >= size.least_customers
            then cast(round(totals.customers / cast(size.least_customers as numeric)) * size.least_customers as bigint)
    end as customers,
    case
        when totals.customers >= size.least_customers and totals.from_customers >= size.least_customers
            then round(
                round(totals.customers / cast(size.least_customers as numeric)) * size.least_customers / totals.from_customers, 3
            )
    end as share_of_from,
    totals.customers < size.least_customers as is_suppressed
from totals
cross join size
left join labels as from_label on totals.dimension = from_label.dimension and totals.from_member = from_label.label
left join labels as to_label on totals.dimension = to_label.dimension and totals.to_member = to_label.label
