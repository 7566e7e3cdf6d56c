-- Over `bought` in DuckDB: what each customer bought within the window, one row per customer and item.
select
    customer_key,
    item_key,
    count(*) as count_orders,
    count(distinct days_ago) as count_days,
    sum(power(0.5, days_ago / cast(:half_life_days as double precision))) as weight,
    min(days_ago) as last_days_ago,
    max(days_ago) as first_days_ago,
    (array_agg(distinct days_ago order by days_ago))[2] as previous_days_ago,
    (array_agg(quantity order by days_ago, order_key))[1] as last_quantity,
    avg(quantity) as mean_quantity
from bought
group by customer_key, item_key
