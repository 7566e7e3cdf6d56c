-- Dimensions with numbers on a date.
select distinct dimension
from bi.kpi_value
where as_of_date = :as_of_date and period = 'month'
order by dimension
