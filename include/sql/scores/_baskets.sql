-- Over `bought` and `orders` in DuckDB: what these orders hold of the items that are in enough orders of enough customers.
with

frequent as (
    select bought.item_key
    from bought
    inner join orders on bought.order_key = orders.order_key
    group by bought.item_key
    having count(*) >= :least_orders and count(distinct bought.customer_key) >= :least_customers
    order by count(*) desc, bought.item_key
    limit :most_items
)

select
    bought.customer_key,
    bought.order_key,
    bought.item_key
from bought
inner join orders on bought.order_key = orders.order_key
inner join frequent on bought.item_key = frequent.item_key
