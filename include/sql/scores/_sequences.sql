-- Over `orders` and `baskets` in DuckDB: items bought next. Of two orders that follow each other within :within_days, the first
-- holds the antecedent and the second the consequent, which was not in the first. Counts of such steps from one order to the
-- next; what a rule is compared with is how often the consequent comes new with the next order whatever the first one held.
with

following as (
    select
        order_key,
        lead(order_key) over by_time as next_order_key,
        days_ago - lead(days_ago) over by_time as days
    from orders
    window by_time as (partition by customer_key order by days_ago desc, order_key)
),

steps as materialized (
    select
        order_key,
        next_order_key,
        days
    from following
    where days between 1 and :within_days
),

totals as (
    select count(*) as count_steps
    from steps
),

firsts as (
    select
        baskets.item_key,
        count(*) as count_steps
    from baskets
    inner join steps on baskets.order_key = steps.order_key
    group by baskets.item_key
),

-- Steps whose first order already held both: nothing can come new there.
already as (
    select
        one.item_key as lower_key,
        other.item_key as upper_key,
        count(*) as count_steps
    from baskets as one
    inner join steps on one.order_key = steps.order_key
    inner join baskets as other on one.order_key = other.order_key and one.item_key < other.item_key
    group by one.item_key, other.item_key
),

newcomers as materialized (
    select
        baskets.customer_key,
        steps.order_key,
        baskets.item_key,
        steps.days
    from steps
    inner join baskets on steps.next_order_key = baskets.order_key
    left join baskets as earlier on steps.order_key = earlier.order_key and baskets.item_key = earlier.item_key
    where earlier.item_key is null
),

arrivals as (
    select
        item_key,
        count(*) as count_steps
    from newcomers
    group by item_key
),

-- By customer first: counting different customers of a pair would sort every pair of every step.
by_customer as (
    select
        baskets.item_key as antecedent_key,
        newcomers.item_key as consequent_key,
        count(*) as count_both,
        sum(newcomers.days) as sum_days
    from newcomers
    inner join baskets on newcomers.order_key = baskets.order_key
    group by newcomers.customer_key, baskets.item_key, newcomers.item_key
),

pairs as (
    select
        antecedent_key,
        consequent_key,
        cast(sum(count_both) as bigint) as count_both,
        count(*) as count_customers,
        sum(sum_days) / sum(count_both) as mean_days
    from by_customer
    group by antecedent_key, consequent_key
    having sum(count_both) >= :least_orders and count(*) >= :least_customers
)

select
    pairs.antecedent_key,
    pairs.consequent_key,
    pairs.count_both,
    pairs.count_customers,
    firsts.count_steps - coalesce(already.count_steps, 0) as count_antecedent,
    arrivals.count_steps as count_consequent,
    totals.count_steps - coalesce(others.count_steps, 0) as count_total,
    cast(pairs.mean_days as double precision) as mean_days
from pairs
inner join firsts on pairs.antecedent_key = firsts.item_key
inner join arrivals on pairs.consequent_key = arrivals.item_key
left join firsts as others on pairs.consequent_key = others.item_key
left join already
    on
        least(pairs.antecedent_key, pairs.consequent_key) = already.lower_key
        and greatest(pairs.antecedent_key, pairs.consequent_key) = already.upper_key
cross join totals
