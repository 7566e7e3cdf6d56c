-- with (security_barrier = true)
-- bi.kpi: the KPIs with their dictionary, small groups hidden.
with

sizes as (
    select
        kpi_value.*,
        (
            kpi_value.customers > 0 and kpi_value.customers < coalesce(
                (select cast(setting.value as integer) from bi.setting as setting where setting.name = 'suppressed_group_size'), 10
            )
        )
        -- A month to date less the days that are shown would show the hidden ones.
        or coalesce(not hidden.is_released, false) as is_small
    from bi.kpi_value as kpi_value
    left join bi.kpi_hidden as hidden
        on
            kpi_value.as_of_date = hidden.as_of_date
            and kpi_value.kpi = hidden.kpi
            and kpi_value.dimension = hidden.dimension
            and kpi_value.member = hidden.member
            and kpi_value.period = 'month'
),

ranked as (
    select
        sizes.*,
        count(*) filter (where is_small) over (partition by as_of_date, kpi, period, dimension) as count_small,
        row_number() over (
            partition by as_of_date, kpi, period, dimension order by is_small, (customers = 0), customers, member
        ) as place
    from sizes
),

shown as (
    select
        ranked.*,
        is_small or (count_small = 1 and place = 1 and dimension <> 'all') as is_suppressed
    from ranked
)

select
    shown.as_of_date,
    shown.period,
    shown.period_start,
    shown.kpi,
    definition.label,
    definition.label_zh,
    definition.unit,
    shown.dimension,
    shown.member,
    case when not shown.is_suppressed then shown.value end as value,
    case when not shown.is_suppressed then shown.numerator end as numerator,
    case when not shown.is_suppressed then shown.denominator end as denominator,
    case when not shown.is_suppressed then shown.customers end as customers,
    shown.is_suppressed,
    definition.formula,
    definition.formula_zh
from shown
left join bi.kpi_definition as definition on shown.kpi = definition.kpi
