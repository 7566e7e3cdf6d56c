-- Over `orders` and `baskets` in DuckDB: items in the same order, one row per ordered pair, with the counts that support, confidence
-- and lift are made of.
with

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
