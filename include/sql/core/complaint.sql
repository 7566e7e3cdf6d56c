-- core.complaint: all versions of the cases delivered for the day, the stored ones among them, with their validity.
with

landed_cases as (
    select
        ('x' || encode(substr(sha256(convert_to(delivery.source || chr(31) || landed.complaint_id, 'UTF8')), 1, 8), 'hex'))::bit(64)::bigint
            as complaint_key,
        coalesce(nullif(btrim(landed.updated_at), '')::timestamptz, delivery.landed_at) as version_at,
        landed.complaint_id,
        known.source_customer_key,
        known.customer_key,
        header.order_key,
        nullif(btrim(landed.order_id), '') as order_id,
        nullif(btrim(landed.channel), '') as channel,
        nullif(btrim(landed.category), '') as category,
        nullif(btrim(landed.severity), '') as severity,
        landed.text,
        nullif(btrim(landed.opened_at), '')::timestamptz as opened_at,
        nullif(btrim(landed.acknowledged_at), '')::timestamptz as acknowledged_at,
        nullif(btrim(landed.first_replied_at), '')::timestamptz as first_replied_at,
        nullif(btrim(landed.resolved_at), '')::timestamptz as resolved_at,
        round(nullif(btrim(landed.compensation_amount), '')::numeric * :minor_factor)::bigint as compensation_minor,
        round(nullif(btrim(landed.satisfaction), '')::numeric)::integer as satisfaction,
        nullif(btrim(landed.satisfaction_at), '')::timestamptz as satisfaction_at,
        nullif(btrim(landed.root_cause), '') as root_cause,
        nullif(btrim(landed.responsible_team), '') as responsible_team,
        delivery.source,
        landed.batch_id,
        nullif(btrim(landed.deleted_at), '')::timestamptz as deleted_at,
        coalesce(nullif(btrim(landed.is_simulated), '')::boolean, false) as is_simulated
    from landing.complaint as landed
    inner join pg_temp.delivery as delivery on landed.batch_id = delivery.batch_id
    inner join pii.source_customer as known
        on delivery.customer_source = known.source and landed.customer_id = known.customer_id
    left join core.order_header as header
        on delivery.order_source = header.source and landed.order_id = header.order_id
),

all_versions as (
    select * from landed_cases

    union all

    select
        stored.complaint_key,
        stored.version_at,
        stored.complaint_id,
        stored.source_customer_key,
        stored.customer_key,
        stored.order_key,
        stored.order_id,
        stored.channel,
        stored.category,
        stored.severity,
        stored.text,
        stored.opened_at,
        stored.acknowledged_at,
        stored.first_replied_at,
        stored.resolved_at,
        stored.compensation_minor,
        stored.satisfaction,
        stored.satisfaction_at,
        stored.root_cause,
        stored.responsible_team,
        stored.source,
        stored.batch_id,
        stored.deleted_at,
        stored.is_simulated
    from core.complaint as stored
    where stored.complaint_key in (select complaint_key from landed_cases)
),

-- Of two states with one time of change the greater one stays, by what they say and not by their arrival.
versions as (
    select distinct on (complaint_key, version_at) *
    from all_versions
    order by
        complaint_key,
        version_at,
        array[
            deleted_at::text, resolved_at::text, first_replied_at::text, acknowledged_at::text, opened_at::text, severity, category, channel,
            text, compensation_minor::text, satisfaction::text, satisfaction_at::text, root_cause, responsible_team, order_id,
            source_customer_key::text, is_simulated::text
        ] collate "C" desc
),

-- The first version holds from the opening: what the case was like before its first delivery is not known any better.
dated as (
    select
        *,
        case
            when row_number() over by_time = 1 then least(opened_at, version_at)
            else version_at
        end as valid_from
    from versions
    window by_time as (partition by complaint_key order by version_at)
)

select
    complaint_key,
    valid_from,
    lead(valid_from) over (partition by complaint_key order by version_at) as valid_to,
    version_at,
    complaint_id,
    source_customer_key,
    customer_key,
    order_key,
    order_id,
    channel,
    category,
    severity,
    text,
    opened_at,
    acknowledged_at,
    first_replied_at,
    resolved_at,
    compensation_minor,
    satisfaction,
    satisfaction_at,
    root_cause,
    responsible_team,
    source,
    batch_id,
    version_at as updated_at,
    deleted_at,
    is_simulated
from dated
