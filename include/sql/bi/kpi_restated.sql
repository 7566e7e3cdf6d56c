-- with (security_barrier = true)
-- bi.kpi_restated: every day and month once, as it is known now, beside what was published first.
with

newest as (
    select max(cast(slice_key as date)) as as_of_date
    from ops.published
    where table_name = 'bi.kpi_value'
),

smallest as (
    select
        coalesce(
            (select cast(setting.value as integer) from bi.setting as setting where setting.name = 'suppressed_group_size'), 10
        ) as customers
),

told as (
    select
        kpi.as_of_date,
        kpi.period,
        kpi.period_start,
        kpi.kpi,
        kpi.label,
        kpi.label_zh,
        kpi.unit,
        kpi.dimension,
        kpi.member,
        kpi.value,
        kpi.customers,
        kpi.is_suppressed
    from bi.kpi as kpi
    cross join newest
    -- A month counts once: as it was when it closed, the current one to date.
    where
        kpi.period = 'day'
        or kpi.as_of_date = least(cast(kpi.period_start + interval '1 month' as date), newest.as_of_date)
),

restated as (
    select distinct on (measured_as_of, kpi, period, dimension, member)
        measured_as_of,
        kpi,
        period,
        dimension,
        member,
        as_of_date,
        value,
        customers
    from bi.kpi_restatement
    order by measured_as_of, kpi, period, dimension, member, as_of_date desc
),

joined as (
    select
        told.*,
        case when first_told.as_of_date is null then told.value else first_told.value end as first_value,
        case when first_told.as_of_date is null then told.customers else first_told.customers end as first_customers,
        restated.as_of_date as restated_as_of,
        restated.value as restated_value,
        restated.customers as restated_customers,
        first_told.as_of_date is not null as is_measured_again
    from told
    left join bi.kpi_first as first_told
        on told.as_of_date = first_told.as_of_date
        and told.kpi = first_told.kpi
        and told.period = first_told.period
        and told.dimension = first_told.dimension
        and told.member = first_told.member
    left join restated
        on told.as_of_date = restated.measured_as_of
        and told.kpi = restated.kpi
        and told.period = restated.period
        and told.dimension = restated.dimension
        and told.member = restated.member
),

-- What moved a group by a handful of people would tell about these people: such groups stay as they were told.
decided as (
    select
        joined.*,
        joined.dimension = 'all'
        or (
            abs(joined.restated_customers - joined.first_customers) >= smallest.customers
            and joined.restated_customers >= smallest.customers
        ) as shows_restated,
        joined.dimension = 'all' or abs(joined.customers - joined.first_customers) >= smallest.customers as shows_again
    from joined
    cross join smallest
),

valued as (
    select
        decided.*,
        case
            when decided.is_suppressed then null
            when decided.restated_as_of is not null and decided.shows_restated then decided.restated_value
            when decided.is_measured_again and not decided.shows_again then decided.first_value
            else decided.value
        end as value_now
    from decided
)

select
    valued.kpi,
    valued.label,
    valued.label_zh,
    valued.unit,
    valued.period,
    valued.period_start,
    valued.dimension,
    valued.member,
    valued.value_now as value,
    case when not valued.is_suppressed then valued.first_value end as first_value,
    valued.value_now - valued.first_value as moved,
    (valued.value_now - valued.first_value) / nullif(abs(valued.first_value), 0) as moved_share,
    (valued.value_now is distinct from valued.first_value) and not valued.is_suppressed as is_restated,
    valued.as_of_date as first_as_of,
    case
        when (valued.value_now is distinct from valued.first_value) and valued.shows_restated then valued.restated_as_of
        else valued.as_of_date
    end as known_as_of,
    valued.is_suppressed
from valued
