-- How steady the groups are, as of the newest date.
select
    dimension,
    since_date,
    days,
    customers,
    movers,
    flap_days,
    flappers,
    flap_rate
from bi.segment_stability
where as_of_date = :as_of_date
order by dimension
