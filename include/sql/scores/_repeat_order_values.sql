-- Repeat order days and their mean net value in the slice of :as_of_date, equal pairs counted: all that Gamma-Gamma needs.
-- Customers without a repeat order, or whose repeat orders brought nothing net, have no place in that model.
select
    count_order_days_lifetime - 1 as repeat_order_days,
    repeat_order_value_mean_minor,
    count(*) as count_customers
from features.customer_orders
where as_of_date = :as_of_date and count_order_days_lifetime > 1 and repeat_order_value_mean_minor > 0
group by repeat_order_days, repeat_order_value_mean_minor
order by repeat_order_days, repeat_order_value_mean_minor
