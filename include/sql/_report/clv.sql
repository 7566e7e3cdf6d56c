-- Purchasers by band of predicted value over the next twelve months: five bands of equal count, richest first.
with

banded as (
    select
        clv_12m_minor,
        probability_alive,
        expected_orders_12m,
        ntile(5) over (order by clv_12m_minor desc, customer_key asc) as band
    from scores.clv
    where as_of_date = :as_of_date
)

select
    band,
    count(*) as customers,
    min(clv_12m_minor)::bigint as lowest_minor,
    max(clv_12m_minor)::bigint as highest_minor,
    sum(clv_12m_minor)::bigint as sum_minor,
    avg(expected_orders_12m)::float8 as mean_orders,
    avg(probability_alive)::float8 as mean_alive
from banded
group by band
order by band
