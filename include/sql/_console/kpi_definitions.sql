-- The dictionary of KPIs.
select
    kpi,
    label,
    label_zh,
    unit,
    formula,
    formula_zh
from bi.kpi_definition
order by kpi
