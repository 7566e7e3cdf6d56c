-- Order lines of the customers of a range of keys, paid from :since to :as_of, each in the state that its source had made before
-- :as_of (docs/corrections.md): what was bought, at what price, and what had come back by then. Lines of orders cancelled before
-- :as_of are left out, and lines deleted before it.
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

latest as not materialized (
    select
        customer_key,
        order_key,
        line_number,
        product_key,
        category_1,
        category_2,
        happened_at,
        quantity,
        gross_minor,
        net_minor,
        returned_quantity,
        returned_at,
        updated_at,
        deleted_at
    from core.order_line
    where
        customer_key between :first_key and :last_key
        and happened_at >= :since
        and happened_at < :as_of
        and order_key not in (select cancelled_orders.order_key from cancelled_orders)
),

-- Lines that their source changed at as_of or later: the state before holds, in the rate of their order.
earlier as (
    select
        latest.order_key,
        latest.line_number,
        before.product_key,
        before.quantity,
        before.quantity * before.unit_price_original * header.fx_rate * :minor_factor as gross_minor,
        (before.quantity * before.unit_price_original - before.discount_original) * header.fx_rate * :minor_factor as net_minor,
        before.returned_quantity,
        before.returned_at,
        before.deleted_at
    from latest
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
        where version.order_key = latest.order_key and version.line_number = latest.line_number
        order by
            version.updated_at < :as_of desc,
            case when version.updated_at < :as_of then version.updated_at end desc,
            version.updated_at
        limit 1
    ) as before on true
    inner join core.order_header as header on latest.order_key = header.order_key
    where latest.updated_at >= :as_of
),

known as (
    select
        latest.customer_key,
        latest.order_key,
        latest.line_number,
        latest.product_key,
        latest.category_1,
        latest.category_2,
        latest.happened_at,
        latest.quantity,
        latest.gross_minor,
        latest.net_minor,
        latest.returned_quantity,
        latest.returned_at,
        latest.deleted_at
    from latest
    left join earlier on latest.order_key = earlier.order_key and latest.line_number = earlier.line_number
    where earlier.order_key is null
    union all
    select
        latest.customer_key,
        latest.order_key,
        latest.line_number,
        earlier.product_key,
        latest.category_1,
        latest.category_2,
        latest.happened_at,
        earlier.quantity,
        cast(round(earlier.gross_minor) as bigint) as gross_minor,
        cast(round(earlier.net_minor) as bigint) as net_minor,
        earlier.returned_quantity,
        earlier.returned_at,
        earlier.deleted_at
    from latest
    inner join earlier on latest.order_key = earlier.order_key and latest.line_number = earlier.line_number
)

select
    customer_key,
    order_key,
    line_number,
    product_key,
    category_1,
    category_2,
    hashtextextended(concat_ws(' > ', category_1, category_2), 0) as category_key,
    :as_of_date - cast(happened_at at time zone :business_timezone as date) as days_ago,
    cast(quantity as double precision) as quantity,
    cast(case when returned_at < :as_of then returned_quantity else 0 end as double precision) as returned_quantity,
    gross_minor,
    net_minor,
    coalesce(returned_at < :as_of and returned_quantity >= quantity, false) as is_returned
from known
where deleted_at is null or deleted_at >= :as_of
