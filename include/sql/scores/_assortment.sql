-- The products as they were known at as_of: the last state before it, or the first there is. Deleted ones are left out.
with

states as (
    select
        product_key, name, category_1, category_2, stock_on_hand, is_replenishable, list_price_original, updated_at, deleted_at
    from core.product
    union all
    select
        product_key, name, category_1, category_2, stock_on_hand, is_replenishable, list_price_original, updated_at, deleted_at
    from core.product_version
),

known as (
    select distinct on (product_key)
        product_key,
        name,
        category_1,
        category_2,
        stock_on_hand,
        is_replenishable,
        deleted_at
    from states
    order by
        product_key,
        updated_at < :as_of desc,
        case when updated_at < :as_of then updated_at end desc,
        updated_at
)

select
    product_key,
    coalesce(name, 'product ' || product_key) as label,
    nullif(concat_ws(' > ', category_1, category_2), '') as category,
    hashtextextended(concat_ws(' > ', category_1, category_2), 0) as category_key,
    is_replenishable,
    (stock_on_hand is null or stock_on_hand > 0) and (deleted_at is null or deleted_at >= :as_of) as is_available
from known
