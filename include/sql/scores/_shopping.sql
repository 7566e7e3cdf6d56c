-- How customers of a range of keys shop, one row each: how much of the price they save, and where the prices they pay stand
-- within their categories. A product's position is the share of its category's products that cost less (ties half), by the
-- mean price before discounts that a sample of customers (:sample_first_key to :sample_last_key) was asked; categories of fewer
-- than three products have no positions.
with

cancelled_orders as (
    select order_key
    from core.order_entry
    where
        customer_key between :first_key and :last_key
        and kind in ('cancelled', 'corrected')
        and happened_at < :as_of
        and (deleted_at is null or deleted_at >= :as_of)
    group by order_key
    having sum(order_count) < 0
),

prices as (
    select
        product_key,
        category_1,
        category_2,
        avg(unit_price_minor) as price
    from core.order_line
    where
        customer_key between :sample_first_key and :sample_last_key
        and happened_at >= :since
        and happened_at < :as_of
        and (deleted_at is null or deleted_at >= :as_of)
        and unit_price_minor > 0
    group by product_key, category_1, category_2
),

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
        (count_cheaper - 1 + (count_equal - 1) / 2.0) / (count_products - 1) as position_in_category
    from ranked
    where count_products > 2
)

select
    line.customer_key,
    count(*) as count_lines,
    cast(sum(line.gross_minor) as bigint) as gross_minor,
    cast(sum(line.discount_minor) as bigint) as discount_minor,
    count(*) filter (where line.discount_minor > 0) as count_discounted_lines,
    count(positions.position_in_category) as count_positioned_lines,
    cast(sum(positions.position_in_category) as double precision) as sum_positions
from core.order_line as line
left join positions
    on
        line.product_key = positions.product_key
        and line.category_1 = positions.category_1
        and line.category_2 is not distinct from positions.category_2
where
    line.customer_key between :first_key and :last_key
    and line.happened_at >= :since
    and line.happened_at < :as_of
    and (line.deleted_at is null or line.deleted_at >= :as_of)
    and line.order_key not in (select order_key from cancelled_orders)
group by line.customer_key
