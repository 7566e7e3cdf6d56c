-- Purchase histories of the slice of :as_of_date, equal ones counted: all that the likelihoods of the purchase processes need.
-- A million customers come to some hundred thousand rows by the day. The definition of a purchase is that of the features.
select
    count_order_days_lifetime - 1 as repeat_order_days,
    tenure_days - recency_days as first_to_last_days,
    tenure_days - 1 as age_days,
    count(*) as count_customers
from features.customer_orders
where as_of_date = :as_of_date
group by repeat_order_days, first_to_last_days, age_days
order by repeat_order_days, first_to_last_days, age_days
