-- core.market_indicator: every delivered value of market series, exchange rates among them.
select
    nullif(btrim(landed.series), '') as series,
    coalesce(nullif(btrim(landed.region), ''), 'all') as region,
    nullif(btrim(landed.indicator_date), '')::date as indicator_date,
    nullif(btrim(landed.value), '')::numeric as value,
    delivery.source,
    landed.batch_id,
    coalesce(nullif(btrim(landed.updated_at), '')::timestamptz, delivery.landed_at) as updated_at,
    nullif(btrim(landed.deleted_at), '')::timestamptz as deleted_at,
    coalesce(nullif(btrim(landed.is_simulated), '')::boolean, false) as is_simulated
from landing.market_indicator as landed
inner join pg_temp.delivery as delivery on landed.batch_id = delivery.batch_id
