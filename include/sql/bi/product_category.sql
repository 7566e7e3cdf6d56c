-- with (security_barrier = true)
-- bi.product_category: who buys from which category, as of the newest published date: customers whose largest category it is, by
-- tier. Numbers of customers are rounded to multiples of the suppression size; smaller groups are hidden.
with

size as (
    select coalesce(
        (select cast(setting.value as integer) from bi.setting as setting where setting.name = 'suppressed_group_size'), 10
    ) as least_customers
),

groups as (
    select
        basket.as_of_date,
        basket.top_category_365d as category,
        tier.service_tier,
        count(*) as customers,
        avg(orders.net_minor_365d) as net_minor_365d,
        avg(orders.discount_share_365d) as discount_share_365d,
        avg(basket.returned_quantity_share_365d) as returned_share_365d,
        avg(basket.repeated_product_share_365d) as repeated_product_share_365d
    from features.customer_basket as basket
    inner join segments.tier as tier on basket.as_of_date = tier.as_of_date and basket.customer_key = tier.customer_key
    inner join features.customer_orders as orders
        on basket.as_of_date = orders.as_of_date and basket.customer_key = orders.customer_key
    where
        basket.as_of_date = (
            select max(cast(published.slice_key as date))
            from ops.published as published
            where published.table_name = 'segments.tier'
        )
        and basket.top_category_365d is not null
    group by basket.as_of_date, basket.top_category_365d, tier.service_tier
)

select
    groups.as_of_date,
    groups.category,
    groups.service_tier,
    cast(round(groups.customers / cast(size.least_customers as numeric)) as bigint) * size.least_customers as customers,
    cast(round(groups.net_minor_365d) as bigint) as mean_net_minor_365d,
    groups.discount_share_365d as mean_discount_share_365d,
    groups.returned_share_365d as mean_returned_share_365d,
    groups.repeated_product_share_365d as mean_repeated_product_share_365d
from groups
cross join size
where groups.customers >= size.least_customers
