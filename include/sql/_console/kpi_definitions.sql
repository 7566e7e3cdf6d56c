-- The dictionary of KPIs.
select
    kpi,
    label,
    label_zh,
    unit,
    formula
from bi.kpi_definition
order by kpi
