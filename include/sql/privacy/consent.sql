-- privacy.consent: decisions of the day, as ledger entries. What a row says is part of its key (see consent_key in Python):
-- sources that keep one row per customer and channel change it in place, and a withdrawal must not be taken for known.
-- A grant that its source deleted ends when it was deleted; a withdrawal that was deleted goes on.
with

landed as (
    select
        landed.batch_id,
        landed.position,
        delivery.source,
        landed.consent_id,
        known.source_customer_key,
        known.customer_key,
        nullif(btrim(landed.purpose), '') as purpose,
        nullif(btrim(landed.channel), '') as channel,
        nullif(btrim(landed.decision), '') as decision,
        nullif(btrim(landed.decided_at), '')::timestamptz as decided_at,
        nullif(btrim(landed.deleted_at), '')::timestamptz as deleted_at,
        nullif(btrim(landed.origin), '') as origin,
        coalesce(nullif(btrim(landed.is_simulated), '')::boolean, false) as is_simulated
    from landing.consent as landed
    inner join pg_temp.delivery as delivery on landed.batch_id = delivery.batch_id
    inner join pii.source_customer as known
        on delivery.customer_source = known.source and landed.customer_id = known.customer_id
),

decided as (
    select
        landed.*,
        'decision' as basis
    from landed
    union all
    select
        batch_id,
        position,
        source,
        consent_id,
        source_customer_key,
        customer_key,
        purpose,
        channel,
        'withdrawn' as decision,
        -- Deleted before it was given: a clock is wrong. At one instant the withdrawal holds.
        greatest(deleted_at, decided_at) as decided_at,
        deleted_at,
        'deleted at source' as origin,
        is_simulated,
        'deleted_at_source' as basis
    from landed
    where deleted_at is not null and decision = 'granted'
)

select distinct on (consent_key)
    ('x' || encode(substr(sha256(convert_to(concat_ws(
        chr(31),
        source,
        consent_id,
        purpose,
        channel,
        decision,
        (extract(epoch from decided_at) * 1000000)::bigint
    ), 'UTF8')), 1, 8), 'hex'))::bit(64)::bigint as consent_key,
    source_customer_key,
    customer_key,
    purpose,
    channel,
    decision,
    decided_at,
    now() as recorded_at,
    origin,
    source,
    basis,
    batch_id,
    is_simulated
from decided
order by consent_key, decided_at desc, batch_id desc, position desc
