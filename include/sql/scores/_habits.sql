-- What customers of a range of keys show of their habits, one row per customer, kind and value: orders by channel, and orders and
-- inbound touches by hour and by weekday (1 Monday to 7 Sunday) of the business time zone. Channels of orders and touches are taken
-- in the state that their source had made before :as_of, as features/customer_orders and customer_engagement take them.
with

cancelled_orders as (
    select order_key
    from core.order_entry
    where
        customer_key between :first_key and :last_key
        and kind in ('cancelled', 'corrected')
        and happened_at < :as_of
        and (deleted_at is null or deleted_at >= :as_of)
    group by order_key
    having sum(order_count) < 0
),

orders as materialized (
    select
        entry.customer_key,
        entry.order_key,
        entry.happened_at at time zone :business_timezone as happened_at
    from core.order_entry as entry
    where
        entry.customer_key between :first_key and :last_key
        and entry.kind = 'paid'
        and entry.happened_at >= :since
        and entry.happened_at < :as_of
        and (entry.deleted_at is null or entry.deleted_at >= :as_of)
        and entry.order_key not in (select order_key from cancelled_orders)
),

order_channels as (
    select
        orders.customer_key,
        case when earlier.order_key is null then header.channel else earlier.channel end as channel
    from orders
    inner join core.order_header as header on orders.order_key = header.order_key
    left join lateral (
        select
            version.order_key,
            version.channel
        from core.order_version as version
        where version.order_key = header.order_key and header.updated_at >= :as_of
        order by
            version.version_at < :as_of desc,
            case when version.version_at < :as_of then version.version_at end desc,
            version.version_at
        limit 1
    ) as earlier on true
),

touches as (
    select
        latest.customer_key,
        latest.happened_at,
        latest.direction,
        latest.deleted_at
    from core.interaction as latest
    where
        latest.customer_key between :first_key and :last_key
        and latest.happened_at >= :since
        and latest.happened_at < :as_of
        and (
            coalesce(latest.updated_at < :as_of, true)
            or not exists (
                select 1
                from core.interaction_version as version
                where version.interaction_key = latest.interaction_key
            )
        )
    union all
    select
        version.customer_key,
        version.happened_at,
        version.direction,
        version.deleted_at
    from core.interaction_version as version
    inner join core.interaction as latest on version.interaction_key = latest.interaction_key and latest.updated_at >= :as_of
    where
        version.customer_key between :first_key and :last_key
        and version.happened_at >= :since
        and version.happened_at < :as_of
        and not exists (
            select 1
            from core.interaction_version as other
            where
                other.interaction_key = version.interaction_key
                and (
                    (version.updated_at < :as_of and other.updated_at > version.updated_at and other.updated_at < :as_of)
                    or (version.updated_at >= :as_of and other.updated_at < version.updated_at)
                )
        )
),

visits as (
    select
        customer_key,
        happened_at
    from orders
    union all
    select
        customer_key,
        happened_at at time zone :business_timezone as happened_at
    from touches
    where direction = 'in' and (deleted_at is null or deleted_at >= :as_of)
)

select
    customer_key,
    'order_channel' as kind,
    channel as habit,
    count(*) as count_times
from order_channels
where channel is not null
group by customer_key, channel
union all
select
    customer_key,
    'hour' as kind,
    cast(cast(extract(hour from happened_at) as integer) as text) as habit,
    count(*) as count_times
from visits
group by customer_key, cast(extract(hour from happened_at) as integer)
union all
select
    customer_key,
    'weekday' as kind,
    cast(cast(extract(isodow from happened_at) as integer) as text) as habit,
    count(*) as count_times
from visits
group by customer_key, cast(extract(isodow from happened_at) as integer)
