-- Over `lines` and `prices` in DuckDB: how customers shop, one row each: how much of the price they save, and where the prices they
-- pay stand within their categories. A product's position is the share of its category's products that cost less (ties half),
-- by the mean price before discounts that a sample of customers was asked; categories of fewer than three products have no
-- positions.
with

ranked as (
    select
        product_key,
        category_1,
        category_2,
        rank() over (partition by category_1, category_2 order by price) as count_cheaper,
        count(*) over (partition by category_1, category_2, price) as count_equal,
        count(*) over (partition by category_1, category_2) as count_products
    from prices
    where category_1 is not null
),

positions as (
    select
        product_key,
        category_1,
        category_2,
        (count_cheaper - 1 + (count_equal - 1) / cast(2 as double precision)) / (count_products - 1) as position_in_category
    from ranked
    where count_products > 2
)

select
    lines.customer_key,
    count(*) as count_lines,
    cast(sum(lines.gross_minor) as bigint) as gross_minor,
    cast(sum(lines.gross_minor - lines.net_minor) as bigint) as discount_minor,
    count(*) filter (where lines.gross_minor > lines.net_minor) as count_discounted_lines,
    count(positions.position_in_category) as count_positioned_lines,
    sum(positions.position_in_category) as sum_positions
from lines
left join positions
    on
        lines.product_key = positions.product_key
        and lines.category_1 = positions.category_1
        and lines.category_2 is not distinct from positions.category_2
group by lines.customer_key
