-- Over `lines` in DuckDB: the items of each order, each once. An item is a product or a category (:level). Lines that came back
-- whole are left out.
select
    customer_key,
    order_key,
    case when :level = 'product' then product_key else category_key end as item_key,
    min(days_ago) as days_ago,
    sum(quantity) as quantity
from lines
where
    not is_returned
    and (:level = 'product' or category_1 is not null)
group by customer_key, order_key, item_key
