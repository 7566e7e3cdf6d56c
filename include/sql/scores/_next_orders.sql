-- What the first order of each customer from as_of until :until held: what proposals as of that date are measured by.
with

orders as (
    select
        customer_key,
        order_key,
        row_number() over (partition by customer_key order by min(happened_at), order_key) as position_after
    from core.order_line
    where
        customer_key between :first_key and :last_key
        and happened_at >= :as_of
        and happened_at < :until
        and deleted_at is null
    group by customer_key, order_key
)

select distinct
    line.customer_key,
    case
        when :level = 'product' then line.product_key
        else hashtextextended(concat_ws(' > ', line.category_1, line.category_2), 0)
    end as item_key
from core.order_line as line
inner join orders on line.customer_key = orders.customer_key and line.order_key = orders.order_key
where orders.position_after = 1 and (:level = 'product' or line.category_1 is not null)
