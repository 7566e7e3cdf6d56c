-- Over `lines` in DuckDB: what a unit of each product cost on average before discounts.
select
    product_key,
    category_1,
    category_2,
    round(avg(gross_minor / quantity), 6) as price
from lines
where gross_minor > 0 and quantity > 0
group by product_key, category_1, category_2
