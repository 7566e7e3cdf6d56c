-- A line belongs to the category that its product had when the order was paid: a product moved to another category takes along
-- what is sold from then on. Before the first state known of a product that state holds.
with

dated as (
    select
        line.order_key,
        line.line_number,
        case
            when line.happened_at is null or product.updated_at <= line.happened_at then product.category_1
            when earlier.product_key is not null then earlier.category_1
            when earliest.product_key is not null then earliest.category_1
            else product.category_1
        end as category_1,
        case
            when line.happened_at is null or product.updated_at <= line.happened_at then product.category_2
            when earlier.product_key is not null then earlier.category_2
            when earliest.product_key is not null then earliest.category_2
            else product.category_2
        end as category_2
    from pg_temp.line_to_date as chosen
    inner join core.order_line as line on chosen.order_key = line.order_key and chosen.line_number = line.line_number
    inner join core.product as product on line.product_key = product.product_key
    left join lateral (
        select version.product_key, version.category_1, version.category_2
        from core.product_version as version
        where version.product_key = line.product_key and version.updated_at <= line.happened_at
        order by version.updated_at desc
        limit 1
    ) as earlier on product.updated_at > line.happened_at
    left join lateral (
        select version.product_key, version.category_1, version.category_2
        from core.product_version as version
        where version.product_key = line.product_key
        order by version.updated_at
        limit 1
    ) as earliest on product.updated_at > line.happened_at and earlier.product_key is null
)

update core.order_line as line
set
    category_1 = dated.category_1,
    category_2 = dated.category_2
from dated
where
    line.order_key = dated.order_key
    and line.line_number = dated.line_number
    and (line.category_1, line.category_2) is distinct from (dated.category_1, dated.category_2)
