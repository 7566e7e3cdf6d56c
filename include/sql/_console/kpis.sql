-- KPIs of one dimension over a range of days or months, each period by its newest slice.
select distinct on (kpi, member, period_start)
    kpi,
    member,
    period_start,
    as_of_date,
    value,
    customers,
    is_suppressed
from bi.kpi
where
    period = :period
    and dimension = :dimension
    and as_of_date > :from_date
    and as_of_date <= :to_date
    and (cast(:member as text) is null or member = :member)
    and (cast(:kpis as text []) is null or kpi = any(cast(:kpis as text [])))
order by kpi asc, member asc, period_start asc, as_of_date desc
