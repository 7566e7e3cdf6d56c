-- Purchasers by band of churn probability, ten bands of equal width.
with

scored as (
    select
        least(floor(churn_probability * 10), 9)::int as band,
        churn_probability,
        is_fallback
    from scores.churn
    where as_of_date = :as_of_date
)

select
    band,
    count(*) as customers,
    avg(churn_probability)::float8 as mean_probability,
    count(*) filter (where is_fallback) as fallback
from scored
group by band
order by band
