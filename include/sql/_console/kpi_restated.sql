-- Published figures that late data have moved since.
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
    restated_on
from bi.kpi_restated
where
    dimension = :dimension
    and period = :period
    and period_start >= :from_date
    and moved <> 0
order by restated_on desc, kpi asc, member asc, period_start desc
limit 200
