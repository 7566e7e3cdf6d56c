-- features.customer_basket: one row per customer per as_of_date, from the order lines of the last 365 business days.
-- Lines of orders cancelled before as_of are left out; a return counts once it happened before as_of. A line is read in the state
-- that its source had made before as_of.
with

customers as (
    select customer_key
    from core.customer
    where
        customer_key between :first_key and :last_key
        and valid_from < :as_of
        and (valid_to is null or valid_to >= :as_of)
        and (deleted_at is null or deleted_at >= :as_of)
        and not is_test
),

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

-- Lines that their source changed at as_of or later: the state before holds, in the rate of their order. Found from the states
-- before, which few lines have, and not among all lines.
superseded_lines as (
    select distinct
        order_key,
        line_number
    from core.order_line_version
),

corrected_lines as (
    select
        line.customer_key,
        line.order_key,
        line.line_number,
        earlier.product_key,
        line.category_1,
        line.category_2,
        line.happened_at,
        earlier.quantity,
        cast(round(earlier.quantity * earlier.unit_price_original * orders.fx_rate * :minor_factor) as bigint) as gross_minor,
        cast(
            round(
                (earlier.quantity * earlier.unit_price_original - earlier.discount_original) * orders.fx_rate * :minor_factor
            ) as bigint
        ) as net_minor,
        earlier.returned_quantity,
        earlier.returned_at,
        earlier.deleted_at
    from superseded_lines
    inner join core.order_line as line
        on superseded_lines.order_key = line.order_key and superseded_lines.line_number = line.line_number
    inner join lateral (
        select
            version.product_key,
            version.quantity,
            version.unit_price_original,
            version.discount_original,
            version.returned_quantity,
            version.returned_at,
            version.deleted_at
        from core.order_line_version as version
        where version.order_key = line.order_key and version.line_number = line.line_number
        order by
            version.updated_at < :as_of desc,
            case when version.updated_at < :as_of then version.updated_at end desc,
            version.updated_at
        limit 1
    ) as earlier on true
    inner join core.order_header as orders on line.order_key = orders.order_key
    where
        line.customer_key between :first_key and :last_key
        and line.happened_at >= :since_365d
        and line.happened_at < :as_of
        and line.updated_at >= :as_of
),

-- Read once, in the order of their index, and kept in memory for the two ways of grouping them below.
lines as materialized (
    (select
        customer_key,
        order_key,
        product_key,
        category_1,
        category_2,
        happened_at,
        quantity,
        discount_minor,
        cast(net_minor as double precision) as net_minor,
        case when returned_at < :as_of and returned_quantity > 0 then returned_at end as returned_at,
        returned_quantity
    from core.order_line
    where
        customer_key between :first_key and :last_key
        and happened_at >= :since_365d
        and happened_at < :as_of
        and (deleted_at is null or deleted_at >= :as_of)
        and order_key not in (select cancelled_orders.order_key from cancelled_orders)
        and (
            coalesce(updated_at < :as_of, true)
            or (order_key, line_number) not in (
                select
                    corrected_lines.order_key,
                    corrected_lines.line_number
                from corrected_lines
            )
        )
    order by customer_key, happened_at, order_key)

    union all

    (select
        customer_key,
        order_key,
        product_key,
        category_1,
        category_2,
        happened_at,
        quantity,
        gross_minor - net_minor as discount_minor,
        cast(net_minor as double precision) as net_minor,
        case when returned_at < :as_of and returned_quantity > 0 then returned_at end as returned_at,
        returned_quantity
    from corrected_lines
    where
        (deleted_at is null or deleted_at >= :as_of)
        and order_key not in (select cancelled_orders.order_key from cancelled_orders)
    order by customer_key, happened_at, order_key)
    order by customer_key, happened_at, order_key
),

lines_by_product as not materialized (
    select
        customer_key,
        product_key,
        category_1,
        category_2,
        happened_at,
        net_minor
    from lines
    order by customer_key, category_1, category_2, product_key
    offset 0  -- noqa: AM09
),

products as not materialized (
    select
        customer_key,
        category_1,
        category_2,
        count(*) as count_lines,
        min(happened_at) as first_at,
        max(happened_at) as last_at,
        sum(net_minor) as net_minor
    from lines_by_product
    group by customer_key, category_1, category_2, product_key
    order by customer_key, category_1, category_2
    offset 0  -- noqa: AM09
),

categories as not materialized (
    select
        customer_key,
        category_1,
        count(*) as count_products,
        count(*) filter (where count_lines > 1) as count_repeated_products,
        count(distinct category_2) as count_subcategories,
        min(first_at) as first_at,
        max(last_at) as last_at,
        sum(net_minor) as net_minor,
        greatest(sum(net_minor), 0) as positive_net_minor
    from products
    group by customer_key, category_1
    order by customer_key, category_1
    offset 0  -- noqa: AM09
),

mixes as (
    select
        customer_key,
        count(category_1) as count_categories,
        count(category_1) filter (where last_at >= :since_90d) as count_categories_90d,
        count(category_1) filter (where first_at >= :since_90d) as count_new_categories_90d,
        sum(cast(count_subcategories as double precision)) as count_subcategories,
        sum(cast(count_products as double precision)) as count_products,
        sum(cast(count_repeated_products as double precision)) as count_repeated_products,
        (array_agg(category_1 order by net_minor desc, category_1) filter (where category_1 is not null))[1]
        as top_category,
        max(positive_net_minor) filter (where category_1 is not null) as top_net_minor,
        sum(positive_net_minor) filter (where category_1 is not null) as positive_net_minor,
        -- Exact, in whatever order they are added: squares that fit a bigint as such, the few larger ones as numeric.
        coalesce(
            sum(cast(positive_net_minor as bigint) * cast(positive_net_minor as bigint)) filter (
                where category_1 is not null and positive_net_minor < 3000000000
            ), 0
        ) + coalesce(
            sum(cast(cast(positive_net_minor as bigint) as numeric) ^ 2) filter (
                where category_1 is not null and positive_net_minor >= 3000000000
            ), 0
        ) as sum_squared_net
    from categories
    group by customer_key
),

-- What takes a group of lines is asked of orders, all else of the lines themselves: most orders have few lines, and to open and
-- close a sum costs more than to add a number to it.
baskets as not materialized (
    select
        customer_key,
        count(*) as count_lines,
        count(returned_at) as count_returned_lines
    from lines
    group by customer_key, happened_at, order_key
    order by customer_key
    offset 0  -- noqa: AM09
),

basket_sizes as (
    select
        customer_key,
        count(*) as count_baskets,
        max(count_lines) as largest_basket_lines,
        count(*) filter (where count_returned_lines > 0) as count_baskets_with_return
    from baskets
    group by customer_key
),

line_totals as (
    select
        customer_key,
        count(*) as count_lines,
        count(returned_at) as count_returned_lines,
        count(*) filter (where discount_minor > 0) as count_discounted_lines,
        max(returned_at) as last_returned_at,
        cast(sum(quantity) as double precision) as quantity,
        cast(coalesce(sum(returned_quantity) filter (where returned_at is not null), 0) as double precision) as returned_quantity,
        sum(net_minor) as net_minor
    from lines
    group by customer_key
),

basket_totals as (
    select
        line_totals.*,
        basket_sizes.count_baskets,
        basket_sizes.largest_basket_lines,
        basket_sizes.count_baskets_with_return
    from line_totals
    inner join basket_sizes on line_totals.customer_key = basket_sizes.customer_key
)

select
    :as_of_date as as_of_date,
    customers.customer_key,
    coalesce(basket_totals.count_baskets, 0) as count_baskets_365d,
    coalesce(basket_totals.count_lines, 0) as count_lines_365d,
    cast(basket_totals.count_lines as double precision) / basket_totals.count_baskets as lines_per_basket_365d,
    basket_totals.largest_basket_lines as largest_basket_lines_365d,
    coalesce(basket_totals.quantity, 0) as quantity_365d,
    basket_totals.net_minor / nullif(basket_totals.quantity, 0) as mean_unit_price_minor_365d,
    coalesce(mixes.count_products, 0) as count_products_365d,
    cast(mixes.count_repeated_products as double precision)
    / nullif(mixes.count_products, 0) as repeated_product_share_365d,
    coalesce(mixes.count_categories, 0) as count_categories_365d,
    coalesce(mixes.count_categories_90d, 0) as count_categories_90d,
    coalesce(mixes.count_new_categories_90d, 0) as count_new_categories_90d,
    coalesce(mixes.count_subcategories, 0) as count_subcategories_365d,
    mixes.top_category as top_category_365d,
    mixes.top_net_minor / nullif(mixes.positive_net_minor, 0) as top_category_share_365d,
    cast(mixes.sum_squared_net as double precision)
    / nullif(mixes.positive_net_minor * mixes.positive_net_minor, 0) as category_concentration_365d,
    cast(basket_totals.count_discounted_lines as double precision)
    / nullif(basket_totals.count_lines, 0) as discounted_line_share_365d,
    coalesce(basket_totals.count_returned_lines, 0) as count_returned_lines_365d,
    cast(basket_totals.count_baskets_with_return as double precision)
    / basket_totals.count_baskets as baskets_with_return_share_365d,
    basket_totals.returned_quantity / nullif(basket_totals.quantity, 0) as returned_quantity_share_365d,
    :as_of_date - cast(basket_totals.last_returned_at at time zone :business_timezone as date) as days_since_last_return
from customers
left join basket_totals on customers.customer_key = basket_totals.customer_key
left join mixes on customers.customer_key = mixes.customer_key
