-- KPIs of messages, for bi.kpi_value: reach, response and cost, overall, by play, by channel and under every heading of the
-- customers as of the date.
-- `kpi.labels` stands for the customers with their cells, `kpi.headings` for the headings of each cell.
-- The cost of a message is that of the touch which was handed out under its send_key.
with

-- A message is counted once, when it was sent; tools that report only the delivery are counted by that.
messages as (
    select
        event.customer_key,
        event.campaign,
        event.channel,
        coalesce(event.send_key, cast(event.event_key as text)) as message,
        max(event.send_key) as send_key,
        bool_or(event.kind in ('sent', 'delivered')) as is_reach,
        bool_or(event.kind in ('sent', 'delivered') and event.happened_at >= :day_start) as is_reach_day,
        bool_or(event.kind in ('clicked', 'converted')) as is_response,
        bool_or(event.kind in ('clicked', 'converted') and event.happened_at >= :day_start) as is_response_day
    from core.campaign_event as event
    where
        event.happened_at >= :month_start
        and event.happened_at < :as_of
        and (event.deleted_at is null or event.deleted_at >= :known_at)
    group by event.customer_key, event.campaign, event.channel, coalesce(event.send_key, cast(event.event_key as text))
),

-- What was sent in a month was handed out in it or shortly before: only the rest is looked up one by one.
recent as (
    select
        delivery.send_key,
        delivery.cost_minor
    from campaigns.delivery as delivery
    where
        delivery.as_of_date >= cast(cast(:month_start as timestamptz) at time zone :business_timezone as date) - 7
        and delivery.as_of_date <= :as_of_date
),

-- Once per customer, play and channel: headings multiply the rows only after the sums. Sums of one customer are whole numbers of
-- eight bytes again: as numeric they would not fit into memory.
touched as (
    select
        messages.customer_key,
        messages.campaign,
        messages.channel,
        bool_or(messages.is_reach) as is_reach,
        bool_or(messages.is_reach_day) as is_reach_day,
        bool_or(messages.is_response) as is_response,
        bool_or(messages.is_response_day) as is_response_day,
        cast(sum(costs.cost_minor) filter (where messages.is_reach) as bigint) as cost_minor,
        count(costs.cost_minor) filter (where messages.is_reach) as count_costed,
        cast(sum(costs.cost_minor) filter (where messages.is_reach_day) as bigint) as cost_day_minor,
        count(costs.cost_minor) filter (where messages.is_reach_day) as count_costed_day
    from messages
    left join recent on messages.send_key = recent.send_key and messages.is_reach
    left join lateral (
        select delivery.cost_minor
        from campaigns.delivery as delivery
        where delivery.send_key = messages.send_key and messages.is_reach and recent.send_key is null
        offset 0 -- noqa: AM09
    ) as older on true
    cross join lateral (select coalesce(recent.cost_minor, older.cost_minor) as cost_minor) as costs
    group by messages.customer_key, messages.campaign, messages.channel
),

by_customer as (
    select
        customer_key,
        cast(bool_or(is_reach) as integer) as reached,
        cast(bool_or(is_reach_day) as integer) as reached_day,
        cast(bool_or(is_reach) and bool_or(is_response) as integer) as responded,
        cast(bool_or(is_reach_day) and bool_or(is_response_day) as integer) as responded_day,
        cast(bool_or(is_reach_day or is_response_day) as integer) as seen_day,
        cast(sum(cost_minor) as bigint) as cost_minor,
        cast(sum(count_costed) as bigint) as count_costed,
        cast(sum(cost_day_minor) as bigint) as cost_day_minor,
        cast(sum(count_costed_day) as bigint) as count_costed_day
    from touched
    group by customer_key
),

by_play as (
    select
        customer_key,
        campaign,
        cast(bool_or(is_reach) as integer) as reached,
        cast(bool_or(is_reach_day) as integer) as reached_day,
        cast(bool_or(is_reach) and bool_or(is_response) as integer) as responded,
        cast(bool_or(is_reach_day) and bool_or(is_response_day) as integer) as responded_day,
        cast(bool_or(is_reach_day or is_response_day) as integer) as seen_day,
        cast(sum(cost_minor) as bigint) as cost_minor,
        cast(sum(count_costed) as bigint) as count_costed,
        cast(sum(cost_day_minor) as bigint) as cost_day_minor,
        cast(sum(count_costed_day) as bigint) as count_costed_day
    from touched
    group by customer_key, campaign
),

by_channel as (
    select
        customer_key,
        channel,
        cast(bool_or(is_reach) as integer) as reached,
        cast(bool_or(is_reach_day) as integer) as reached_day,
        cast(bool_or(is_reach) and bool_or(is_response) as integer) as responded,
        cast(bool_or(is_reach_day) and bool_or(is_response_day) as integer) as responded_day,
        cast(bool_or(is_reach_day or is_response_day) as integer) as seen_day,
        cast(sum(cost_minor) as bigint) as cost_minor,
        cast(sum(count_costed) as bigint) as count_costed,
        cast(sum(cost_day_minor) as bigint) as cost_day_minor,
        cast(sum(count_costed_day) as bigint) as count_costed_day
    from touched
    group by customer_key, channel
),

combinations as (
    select
        labels.cell,
        sum(by_customer.reached) as reached,
        sum(by_customer.reached_day) as reached_day,
        sum(by_customer.responded) as responded,
        sum(by_customer.responded_day) as responded_day,
        sum(by_customer.seen_day) as seen_day,
        sum(by_customer.cost_minor) as cost_minor,
        sum(by_customer.count_costed) as count_costed,
        sum(by_customer.cost_day_minor) as cost_day_minor,
        sum(by_customer.count_costed_day) as count_costed_day
    from by_customer
    left join kpi.labels as labels on by_customer.customer_key = labels.customer_key
    group by labels.cell
),

headed as (
    -- Whoever counts under no heading was written to all the same.
    select
        coalesce(heading.dimension, 'all') as dimension,
        coalesce(heading.member, 'all') as member,
        combinations.reached,
        combinations.reached_day,
        combinations.responded,
        combinations.responded_day,
        combinations.seen_day,
        combinations.cost_minor,
        combinations.count_costed,
        combinations.cost_day_minor,
        combinations.count_costed_day
    from combinations
    left join kpi.headings as heading on combinations.cell = heading.cell
    union all
    select
        'play' as dimension, campaign as member, reached, reached_day, responded, responded_day, seen_day, cost_minor, count_costed,
        cost_day_minor, count_costed_day
    from by_play
    union all
    select
        'channel' as dimension, channel as member, reached, reached_day, responded, responded_day, seen_day, cost_minor, count_costed,
        cost_day_minor, count_costed_day
    from by_channel
),

sums as (
    select
        dimension,
        member,
        sum(reached) as reached,
        sum(reached_day) as reached_day,
        sum(responded) as responded,
        sum(responded_day) as responded_day,
        sum(seen_day) as seen_day,
        sum(cost_minor) as cost_minor,
        sum(count_costed) as count_costed,
        sum(cost_day_minor) as cost_day_minor,
        sum(count_costed_day) as count_costed_day
    from headed
    where member is not null
    group by dimension, member
),

periods as (
    select
        'day' as period,
        cast(:day_start as timestamptz) as starts_at,
        dimension,
        member,
        reached_day as reached,
        responded_day as responded,
        cost_day_minor as cost_minor,
        count_costed_day as count_costed
    from sums
    where seen_day > 0
    union all
    select
        'month' as period,
        cast(:month_start as timestamptz) as starts_at,
        dimension,
        member,
        reached,
        responded,
        cost_minor,
        count_costed
    from sums
)

select
    :as_of_date as as_of_date,
    kpi.kpi,
    periods.period,
    cast(periods.starts_at at time zone :business_timezone as date) as period_start,
    periods.dimension,
    periods.member,
    coalesce(cast(kpi.numerator as double precision), 0) as numerator,
    coalesce(cast(kpi.denominator as double precision), 0) as denominator,
    cast(kpi.numerator as double precision) / nullif(cast(kpi.denominator as double precision), 0) as value,
    cast(periods.reached as bigint) as customers
from periods
cross join lateral (
    values
    ('reach', cast(periods.reached as numeric), cast(1 as numeric)),
    ('response_rate', periods.responded, periods.reached),
    ('cost_per_touch', periods.cost_minor, periods.count_costed)
) as kpi (kpi, numerator, denominator)
