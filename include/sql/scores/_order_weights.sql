-- Over `lines` in DuckDB: orders with lines of each customer within the window: how many, how recent, and which was the last.
with

orders as (
    select
        customer_key,
        order_key,
        min(days_ago) as days_ago
    from lines
    group by customer_key, order_key
)

select
    customer_key,
    count(*) as count_orders,
    sum(power(0.5, days_ago / cast(:half_life_days as double precision))) as weight,
    min(days_ago) as last_days_ago,
    max(days_ago) as first_days_ago
from orders
group by customer_key
