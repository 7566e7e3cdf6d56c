-- KPIs of messages, for bi.kpi_value: reach, response and cost, overall, by play, by channel and under every heading of the
-- customers as of the date. The relation `kpi.labels` stands for the customers with their headings.
-- The cost of a message is that of the touch which was handed out under its send_key.
with

periods as (
    select 'day' as period, cast(:day_start as timestamptz) as starts_at
    union all
    select 'month' as period, cast(:month_start as timestamptz) as starts_at
),

events as (
    select
        event.customer_key,
        event.happened_at,
        event.kind in ('sent', 'delivered') as is_reach,
        event.kind in ('clicked', 'converted') as is_response,
        -- A message is counted once, when it was sent; tools that report only the delivery are counted by that.
        case
            when event.kind in ('sent', 'delivered') then coalesce(event.send_key, cast(event.event_key as text))
        end as message,
        delivery.cost_minor,
        label.dimension,
        label.member
    from core.campaign_event as event
    left join campaigns.delivery as delivery on event.send_key = delivery.send_key
    left join kpi.labels as labels on event.customer_key = labels.customer_key
    cross join lateral (
        values
        ('all', 'all'),
        ('play', event.campaign),
        ('channel', event.channel),
        ('tier', labels.tier),
        ('stage', labels.stage),
        ('segment', labels.segment),
        ('membership', labels.membership),
        ('acquisition_channel', labels.acquisition_channel),
        ('region', labels.region)
    ) as label (dimension, member)
    where
        event.happened_at >= :month_start
        and event.happened_at < :as_of
        and (event.deleted_at is null or event.deleted_at >= :known_at)
        and label.member is not null
),

messages as (
    select
        periods.period,
        events.dimension,
        events.member,
        events.message,
        max(events.cost_minor) as cost_minor
    from events
    inner join periods on events.happened_at >= periods.starts_at
    where events.message is not null
    group by periods.period, events.dimension, events.member, events.message
),

message_sums as (
    select
        period,
        dimension,
        member,
        sum(cost_minor) as cost_minor,
        count(cost_minor) as count_costed
    from messages
    group by period, dimension, member
),

customers as (
    select
        periods.period,
        events.dimension,
        events.member,
        events.customer_key,
        bool_or(events.is_reach) as was_reached,
        bool_or(events.is_response) as has_responded
    from events
    inner join periods on events.happened_at >= periods.starts_at
    group by periods.period, events.dimension, events.member, events.customer_key
),

customer_sums as (
    select
        period,
        dimension,
        member,
        count(*) filter (where was_reached) as reached,
        count(*) filter (where was_reached and has_responded) as responded
    from customers
    group by period, dimension, member
)

select
    :as_of_date as as_of_date,
    kpi.kpi,
    periods.period,
    cast(periods.starts_at at time zone :business_timezone as date) as period_start,
    customer_sums.dimension,
    customer_sums.member,
    coalesce(cast(kpi.numerator as double precision), 0) as numerator,
    coalesce(cast(kpi.denominator as double precision), 0) as denominator,
    cast(kpi.numerator as double precision) / nullif(kpi.denominator, 0) as value,
    customer_sums.reached as customers
from customer_sums
inner join periods on customer_sums.period = periods.period
left join message_sums
    on customer_sums.period = message_sums.period
    and customer_sums.dimension = message_sums.dimension
    and customer_sums.member = message_sums.member
cross join lateral (
    values
    ('reach', customer_sums.reached, 1),
    ('response_rate', customer_sums.responded, customer_sums.reached),
    ('cost_per_touch', message_sums.cost_minor, message_sums.count_costed)
) as kpi (kpi, numerator, denominator)
