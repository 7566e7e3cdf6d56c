-- What to propose.
select
    level,
    list,
    rank,
    item,
    order_probability,
    why_en,
    why_zh
from scores.next_best
where as_of_date = :as_of_date and customer_key = :customer
order by list, level desc, rank
limit 20
