-- What the people of the year's comparison brought from each day of :starts on, as sums by tier and group, for
-- retention.measurement.programme; `effect.unit` stands for the units. Customers without an order since the first of these days add
-- nothing to them. Orders before a customer's own comparison began do not count.
with

recent as (
    select
        entry.customer_key,
        window_start.start,
        sum(entry.net_minor) as net_minor
    from core.order_entry as entry
    inner join (
        select
            start,
            cast(start as timestamp) at time zone :business_timezone as starts_at
        from unnest(cast(:starts as date [])) as listed (start)
    ) as window_start on entry.happened_at >= window_start.starts_at
    where
        entry.happened_at >= :recent_start
        and entry.happened_at < :as_of
        and (entry.deleted_at is null or entry.deleted_at >= :as_of)
    group by entry.customer_key, window_start.start
),

people as (
    select
        unit.customer_key,
        unit.is_treated,
        coalesce(unit.service_tier, 'none') as service_tier,
        unit.started_on,
        cast(unit.spend_before_minor as numeric) as spend_before_minor,
        cast(unit.value_before_minor as numeric) as value_before_minor
    from effect.unit as unit
    where unit.play = '*' and unit.period_key = :year
),

brought as (
    select
        people.service_tier,
        people.is_treated,
        people.spend_before_minor,
        people.value_before_minor,
        recent.start,
        case when people.started_on <= recent.start then recent.net_minor else since.net_minor end as net_minor
    from recent
    inner join people on recent.customer_key = people.customer_key
    -- Of those who became known within the window.
    left join lateral (
        select sum(entry.net_minor) as net_minor
        from core.order_entry as entry
        where
            entry.customer_key = people.customer_key
            and people.started_on > recent.start
            and entry.happened_at >= cast(people.started_on as timestamp) at time zone :business_timezone
            and entry.happened_at < :as_of
            and (entry.deleted_at is null or entry.deleted_at >= :as_of)
    ) as since on true
)

select
    start,
    service_tier,
    is_treated,
    coalesce(sum(net_minor), 0) as sum_net,
    coalesce(sum(net_minor * net_minor), 0) as net_net,
    coalesce(sum(net_minor * spend_before_minor), 0) as net_spend,
    coalesce(sum(net_minor * value_before_minor), 0) as net_value,
    coalesce(sum(net_minor) filter (where value_before_minor is not null), 0) as net_known
from brought
where net_minor <> 0
group by start, service_tier, is_treated
