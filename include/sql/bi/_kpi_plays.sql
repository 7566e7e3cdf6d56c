-- KPIs of messages, for bi.kpi_value: reach, response and cost, overall, by play, by channel and under every heading of the
-- customers as of the date. The relation `kpi.labels` stands for the customers with their headings.
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

-- Once per customer, play and channel: headings multiply the rows only after the sums.
touched as (
    select
        messages.customer_key,
        messages.campaign,
        messages.channel,
        bool_or(messages.is_reach) as is_reach,
        bool_or(messages.is_reach_day) as is_reach_day,
        bool_or(messages.is_response) as is_response,
        bool_or(messages.is_response_day) as is_response_day,
        sum(delivery.cost_minor) filter (where messages.is_reach) as cost_minor,
        count(delivery.cost_minor) filter (where messages.is_reach) as count_costed,
        sum(delivery.cost_minor) filter (where messages.is_reach_day) as cost_day_minor,
        count(delivery.cost_minor) filter (where messages.is_reach_day) as count_costed_day
    from messages
    left join campaigns.delivery as delivery on messages.send_key = delivery.send_key and messages.is_reach
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
        sum(cost_minor) as cost_minor,
        sum(count_costed) as count_costed,
        sum(cost_day_minor) as cost_day_minor,
        sum(count_costed_day) as count_costed_day
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
        sum(cost_minor) as cost_minor,
        sum(count_costed) as count_costed,
        sum(cost_day_minor) as cost_day_minor,
        sum(count_costed_day) as count_costed_day
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
        sum(cost_minor) as cost_minor,
        sum(count_costed) as count_costed,
        sum(cost_day_minor) as cost_day_minor,
        sum(count_costed_day) as count_costed_day
    from touched
    group by customer_key, channel
),

combinations as (
    select
        labels.tier,
        labels.stage,
        labels.segment,
        labels.membership,
        labels.acquisition_channel,
        labels.region,
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
    group by 1, 2, 3, 4, 5, 6
),

headed as (
    select
        label.dimension,
        label.member,
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
    cross join lateral (
        values
        ('all', 'all'),
        ('tier', combinations.tier),
        ('stage', combinations.stage),
        ('segment', combinations.segment),
        ('membership', combinations.membership),
        ('acquisition_channel', combinations.acquisition_channel),
        ('region', combinations.region)
    ) as label (dimension, member)
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
