-- What a unit of each product cost, as of a date: the state before as_of; foreign costs take the rate of the product's latest state.
with

states as (
    select
        product_key,
        currency,
        unit_cost_original,
        updated_at
    from core.product
    union all
    select
        product_key,
        currency,
        unit_cost_original,
        updated_at
    from core.product_version
),

-- The last state before as_of; where there is none, the first: what it was before its first delivery is not known any better.
known as (
    select distinct on (product_key)
        product_key,
        currency,
        unit_cost_original
    from states
    order by product_key, updated_at < :as_of desc, case when updated_at < :as_of then updated_at end desc, updated_at
),

costs as (
    select
        known.product_key,
        case
            when known.unit_cost_original = product.unit_cost_original and known.currency = product.currency
                then cast(product.unit_cost_minor as double precision)
            when known.currency = product.currency and product.unit_cost_original > 0
                then cast(known.unit_cost_original / product.unit_cost_original * product.unit_cost_minor as double precision)
        end as unit_cost_minor
    from known
    inner join core.product as product on known.product_key = product.product_key
)

select
    product_key,
    unit_cost_minor
from costs
where unit_cost_minor is not null
