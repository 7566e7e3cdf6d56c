-- The dates whose published figures late data have moved since: asked first, because what moved is worked out for whole dates.
select distinct as_of_date
from (
    select measured_as_of as as_of_date
    from bi.kpi_restatement
    where dimension = :dimension and period = :period and measured_as_of > :from_date
    union all
    select as_of_date
    from bi.kpi_first
    where dimension = :dimension and period = :period and as_of_date > :from_date
) as moved
order by as_of_date desc
limit 40
