-- What each customer of a range of keys bought within the window, one row per customer and item. An item is a product or a
-- category (:level). Lines of orders cancelled before as_of are left out, and lines that came back whole before it.
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

lines as (
    select
        line.customer_key,
        line.order_key,
        case
            when :level = 'product' then line.product_key
            else hashtextextended(concat_ws(' > ', line.category_1, line.category_2), 0)
        end as item_key,
        :as_of_date - cast(line.happened_at at time zone :business_timezone as date) as days_ago,
        line.quantity
    from core.order_line as line
    where
        line.customer_key between :first_key and :last_key
        and line.happened_at >= :since
        and line.happened_at < :as_of
        and (line.deleted_at is null or line.deleted_at >= :as_of)
        and (line.returned_at is null or line.returned_at >= :as_of or line.returned_quantity < line.quantity)
        and (:level = 'product' or line.category_1 is not null)
        and line.order_key not in (select order_key from cancelled_orders)
),

bought as (
    select
        customer_key,
        order_key,
        item_key,
        min(days_ago) as days_ago,
        sum(quantity) as quantity
    from lines
    group by customer_key, order_key, item_key
)

select
    customer_key,
    item_key,
    count(*) as count_orders,
    count(distinct days_ago) as count_days,
    cast(sum(power(0.5, days_ago / cast(:half_life_days as double precision))) as double precision) as weight,
    min(days_ago) as last_days_ago,
    max(days_ago) as first_days_ago,
    (array_agg(distinct days_ago order by days_ago))[2] as previous_days_ago,
    cast((array_agg(quantity order by days_ago, order_key))[1] as double precision) as last_quantity,
    cast(avg(quantity) as double precision) as mean_quantity
from bought
group by customer_key, item_key
