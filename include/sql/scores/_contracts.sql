-- Every state of every contract that its source had made before :as_of, for models to read as of past dates too.
-- A contract that was not delivered before a past date is taken in its first state there: what it was is known no better.
with

left_out as (
    select customer_key
    from core.customer
    where
        valid_from < :as_of
        and (valid_to is null or valid_to >= :as_of)
        and (is_test or deleted_at < :as_of)
),

states as (
    select
        contract_key,
        customer_key,
        started_at,
        renewal_date,
        fee_original,
        renewed_at,
        cancelled_at,
        updated_at,
        deleted_at
    from core.contract
    union all
    select
        contract_key,
        customer_key,
        started_at,
        renewal_date,
        fee_original,
        renewed_at,
        cancelled_at,
        updated_at,
        deleted_at
    from core.contract_version
)

select
    contract_key,
    customer_key,
    started_at,
    renewal_date,
    renewed_at,
    cancelled_at,
    updated_at,
    deleted_at,
    cast(fee_original as double precision) as fee
from states
where
    (updated_at is null or updated_at < :as_of)
    and started_at < :as_of
    and customer_key not in (select left_out.customer_key from left_out)
order by contract_key, updated_at nulls first
