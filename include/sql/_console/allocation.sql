-- Where the money for promotion went, day by day, newest first.
select
    as_of_date,
    contenders,
    chosen,
    value_minor,
    cost_minor,
    net_minor,
    top_share,
    meant_share,
    actual_share,
    actual_share_30d,
    gap_share,
    method
from bi.allocation
where as_of_date > cast(:as_of_date as date) - 90
order by as_of_date desc
limit 90
