-- Published figures of some dates that late data have moved since.
select
    kpi,
    label,
    label_zh,
    dimension,
    member,
    period_start,
    first_value,
    value,
    moved,
    known_as_of
from bi.kpi_restated
where
    dimension = :dimension
    and period = :period
    and first_as_of = any(cast(:dates as date []))
    and is_restated
    and not is_suppressed
order by known_as_of desc, kpi asc, member asc, period_start desc
limit 200
