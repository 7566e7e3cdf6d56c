-- The scores of one customer on every date that is kept.
select
    churn.as_of_date,
    churn.churn_probability,
    clv.clv_12m_minor
from scores.churn as churn
left join scores.clv as clv on churn.as_of_date = clv.as_of_date and churn.customer_key = clv.customer_key
where churn.customer_key = :customer and churn.as_of_date <= :as_of_date
order by churn.as_of_date
