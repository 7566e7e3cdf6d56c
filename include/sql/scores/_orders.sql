-- Over `bought` in DuckDB: the orders that associations are counted on. Orders with very many items say little about what goes
-- together.
select
    customer_key,
    order_key,
    min(days_ago) as days_ago
from bought
group by customer_key, order_key
having count(*) <= :most_items_per_order
