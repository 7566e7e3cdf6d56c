-- The person behind a key: records that were merged lead to the one that names them.
select coalesce(
    (select alias.customer_key from core.customer_alias as alias where alias.source_customer_key = :key),
    (select customer.customer_key from core.customer as customer where customer.customer_key = :key and customer.valid_to is null)
) as customer_key
