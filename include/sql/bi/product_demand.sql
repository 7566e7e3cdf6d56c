-- with (security_barrier = true)
-- bi.product_demand: how many customers are about to need which product again, as of the newest published date, against the stock.
-- Customers are rounded to multiples of the suppression size; products with fewer are left out.
with

size as (
    select coalesce(
        (select cast(setting.value as integer) from bi.setting as setting where setting.name = 'suppressed_group_size'), 10
    ) as least_customers
),

expected as (
    select
        replenishment.as_of_date,
        replenishment.product_key,
        count(*) filter (where replenishment.days_until_expected <= 7) as due_7d,
        count(*) filter (where replenishment.days_until_expected <= 30) as due_30d,
        avg(replenishment.expected_gap_days) as mean_gap_days
    from scores.replenishment as replenishment
    where
        replenishment.as_of_date = (
            select max(cast(published.slice_key as date))
            from ops.published as published
            where published.table_name = 'scores.replenishment'
        )
    group by replenishment.as_of_date, replenishment.product_key
)

select
    expected.as_of_date,
    expected.product_key,
    coalesce(product.name, product.product_id) as product,
    product.category_1,
    case
        when expected.due_7d >= size.least_customers
            then cast(round(expected.due_7d / cast(size.least_customers as numeric)) as bigint) * size.least_customers
    end as customers_due_7d,
    cast(round(expected.due_30d / cast(size.least_customers as numeric)) as bigint) * size.least_customers as customers_due_30d,
    expected.mean_gap_days,
    cast(product.stock_on_hand as double precision) as stock_on_hand,
    case when expected.due_7d >= size.least_customers then product.stock_on_hand < expected.due_7d end as is_short
from expected
cross join size
left join core.product as product on expected.product_key = product.product_key
where expected.due_30d >= size.least_customers
