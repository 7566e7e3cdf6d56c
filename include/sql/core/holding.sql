-- core.holding: every delivered state of balances of customers.
select
    known.source_customer_key,
    known.customer_key,
    nullif(btrim(landed.kind), '') as kind,
    nullif(btrim(landed.balance_date), '')::date as balance_date,
    round(
        nullif(btrim(landed.amount), '')::numeric
        * case when coalesce(nullif(btrim(landed.currency), ''), :base_currency) = :base_currency then 1 else fx.rate end
        * :minor_factor
    )::bigint as amount_minor,
    coalesce(nullif(btrim(landed.currency), ''), :base_currency) as currency,
    nullif(btrim(landed.amount), '')::numeric as amount_original,
    delivery.source,
    landed.batch_id,
    coalesce(nullif(btrim(landed.updated_at), '')::timestamptz, delivery.landed_at) as updated_at,
    nullif(btrim(landed.deleted_at), '')::timestamptz as deleted_at,
    coalesce(nullif(btrim(landed.is_simulated), '')::boolean, false) as is_simulated
from landing.holding as landed
inner join pg_temp.delivery as delivery on landed.batch_id = delivery.batch_id
inner join pii.source_customer as known
    on delivery.customer_source = known.source and landed.customer_id = known.customer_id
left join pg_temp.rate as fx
    on
        coalesce(nullif(btrim(landed.currency), ''), :base_currency) = fx.currency
        and least(nullif(btrim(landed.balance_date), '')::date, :as_of_date) = fx.day
        and fx.known_to = 'infinity'
