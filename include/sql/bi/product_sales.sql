-- with (security_barrier = true)
-- bi.product_sales: products by month and, for the last weeks, by day. Of a month that is not over the newest figures.
with

newest as (
    select distinct on (value.period, value.period_start)
        value.period,
        value.period_start,
        value.as_of_date
    from (
        select distinct
            published.as_of_date,
            span.period,
            cast(date_trunc(span.period, published.as_of_date - 1) as date) as period_start
        from (
            select cast(slice_key as date) as as_of_date
            from ops.published
            where table_name = 'bi.product_value'
        ) as published
        cross join (values ('day'), ('month')) as span (period)
    ) as value
    order by value.period, value.period_start, value.as_of_date desc
)

select
    value.period,
    value.period_start,
    value.as_of_date,
    value.product_key,
    coalesce(product.name, product.product_id) as product,
    product.category_1,
    product.category_2,
    product.brand,
    value.orders,
    value.units,
    value.gross_minor,
    value.discount_minor,
    value.net_minor,
    value.discount_minor / nullif(cast(value.gross_minor as double precision), 0) as discount_share,
    value.returned_units,
    value.returned_units / nullif(value.units, 0) as returned_share,
    cast(
        round(cast(value.net_minor as numeric) - cast(value.units as numeric) * product.unit_cost_minor) as bigint
    ) as margin_minor,
    product.list_price_minor,
    cast(product.stock_on_hand as double precision) as stock_on_hand,
    coalesce(product.valid, false) as is_listed
from newest
inner join bi.product_value as value on newest.as_of_date = value.as_of_date and newest.period = value.period
left join core.product as product on value.product_key = product.product_key
