-- Items in the same order, for the customers of a range of keys: one row per ordered pair of frequent items, with the counts
-- that support, confidence and lift are made of. An item is a product or a category (:level). Items count that are in enough
-- orders of enough customers; orders with very many items say little about what goes together and are left out.
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

bought as materialized (
    select distinct
        line.customer_key,
        line.order_key,
        case
            when :level = 'product' then line.product_key
            else hashtextextended(concat_ws(' > ', line.category_1, line.category_2), 0)
        end as item_key,
        cast(line.happened_at at time zone :business_timezone as date) as bought_on
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

orders as materialized (
    select
        customer_key,
        order_key,
        min(bought_on) as bought_on,
        count(*) as count_items
    from bought
    group by customer_key, order_key
    having count(*) <= :most_items_per_order
),

frequent as materialized (
    select bought.item_key
    from bought
    inner join orders on bought.order_key = orders.order_key
    group by bought.item_key
    having count(*) >= :least_orders and count(distinct bought.customer_key) >= :least_customers
    order by count(*) desc, bought.item_key
    limit :most_items
),

baskets as materialized (
    select
        bought.customer_key,
        bought.order_key,
        bought.item_key
    from bought
    inner join orders on bought.order_key = orders.order_key
    inner join frequent on bought.item_key = frequent.item_key
),

totals as (
    select count(*) as count_orders
    from orders
),

items as (
    select
        item_key,
        count(*) as count_orders
    from baskets
    group by item_key
),

-- By customer first: counting different customers of a pair would sort every pair of every order.
by_customer as (
    select
        one.item_key as lower_key,
        other.item_key as upper_key,
        count(*) as count_both
    from baskets as one
    inner join baskets as other on one.order_key = other.order_key and one.item_key < other.item_key
    group by one.customer_key, one.item_key, other.item_key
),

pairs as (
    select
        lower_key,
        upper_key,
        cast(sum(count_both) as bigint) as count_both,
        count(*) as count_customers
    from by_customer
    group by lower_key, upper_key
    having sum(count_both) >= :least_orders and count(*) >= :least_customers
),

both_ways as (
    select
        lower_key as antecedent_key,
        upper_key as consequent_key,
        count_both,
        count_customers
    from pairs
    union all
    select
        upper_key as antecedent_key,
        lower_key as consequent_key,
        count_both,
        count_customers
    from pairs
)

select
    both_ways.antecedent_key,
    both_ways.consequent_key,
    both_ways.count_both,
    both_ways.count_customers,
    antecedents.count_orders as count_antecedent,
    consequents.count_orders as count_consequent,
    totals.count_orders as count_total,
    cast(null as double precision) as mean_days
from both_ways
inner join items as antecedents on both_ways.antecedent_key = antecedents.item_key
inner join items as consequents on both_ways.consequent_key = consequents.item_key
cross join totals
