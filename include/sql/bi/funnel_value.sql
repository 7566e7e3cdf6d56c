-- bi.funnel_value: from hand-out to purchase, per play and month. A person counts once per play and month, and for a step when any
-- later step is known: tools that report a click and no opening have seen the opening too.
with

-- Most records are a person of their own: only the others are looked up.
merged as materialized (
    select
        source_customer_key,
        customer_key
    from core.customer_alias
    where source_customer_key <> customer_key
),

deliveries as not materialized (
    select
        delivery.play,
        cast(date_trunc('month', cast(delivery.as_of_date as timestamp)) as date) as month,
        coalesce(alias.customer_key, delivery.customer_key) as customer_key,
        delivery.as_of_date,
        delivery.send_key,
        delivery.cost_minor
    from campaigns.delivery as delivery
    left join merged as alias on delivery.customer_key = alias.source_customer_key
    where delivery.as_of_date >= :months_from and delivery.as_of_date < :as_of_date
),

-- Only the events of these months can belong to them: read once, by time.
events as (
    select
        event.send_key,
        event.kind,
        case event.kind
            when 'sent' then 1
            when 'bounced' then 1
            when 'delivered' then 2
            when 'opened' then 3
            when 'clicked' then 4
            when 'converted' then 5
            else 0
        end as step
    from core.campaign_event as event
    where
        event.send_key is not null
        and event.happened_at >= :months_start_at
        and event.happened_at < :as_of
        and (event.deleted_at is null or event.deleted_at >= :as_of)
),

event_sums as (
    select
        send_key,
        max(step) as step,
        bool_or(kind in ('unsubscribed', 'complained')) as has_unsubscribed
    from events
    group by send_key
),

days as (
    select array_agg(day at time zone :business_timezone order by day) as starts_at
    from generate_series(cast(:months_from as timestamp), cast(:as_of_date as timestamp), interval '1 day') as day
),

-- The local day of an order is its number among the days: quicker than to reckon it from the time zone, and once per order, which is
-- what the offset is for.
paid as (
    select
        entry.customer_key,
        cast(:months_from as date) + width_bucket(entry.happened_at, (select days.starts_at from days)) - 1 as ordered_on
    from core.order_entry as entry
    where
        entry.kind = 'paid'
        and entry.happened_at >= :months_start_at
        -- Of the years before the first hand-out nothing is needed.
        and entry.happened_at >= (select cast(min(deliveries.as_of_date) - 1 as timestamptz) from deliveries)
        and entry.happened_at < :as_of
        and (entry.deleted_at is null or entry.deleted_at >= :as_of)
    offset 0 -- noqa: AM09
),

-- Hand-outs and the orders that followed them, one beneath the other, so that people are put together once.
people as (
    select
        found.play,
        found.month,
        found.customer_key,
        cast(sum(found.cost_minor) as bigint) as cost_minor,
        max(found.step) as step,
        bool_or(found.has_unsubscribed) as has_unsubscribed,
        bool_or(found.has_bought) as has_bought
    from (
        select
            deliveries.play,
            deliveries.month,
            deliveries.customer_key,
            deliveries.cost_minor,
            coalesce(event_sums.step, 0) as step,
            coalesce(event_sums.has_unsubscribed, false) as has_unsubscribed,
            false as has_bought
        from deliveries
        left join event_sums on deliveries.send_key = event_sums.send_key
        union all
        select
            deliveries.play,
            deliveries.month,
            deliveries.customer_key,
            0 as cost_minor,
            0 as step,
            false as has_unsubscribed,
            true as has_bought
        from deliveries
        inner join paid
            on
                deliveries.customer_key = paid.customer_key
                and deliveries.as_of_date <= paid.ordered_on
                and deliveries.as_of_date + cast(:outcome_days as integer) > paid.ordered_on
    ) as found
    group by found.play, found.month, found.customer_key
),

reached as (
    select
        people.play,
        people.month,
        count(*) as handed_out,
        count(*) filter (where people.step >= 1) as sent,
        count(*) filter (where people.step >= 2) as delivered,
        count(*) filter (where people.step >= 3) as opened,
        count(*) filter (where people.step >= 4) as clicked,
        count(*) filter (where people.step >= 5) as converted,
        count(*) filter (where people.has_bought) as bought,
        count(*) filter (where people.has_unsubscribed) as unsubscribed,
        sum(people.cost_minor) as cost_minor
    from people
    group by people.play, people.month
),

held as (
    select
        holdout.play,
        cast(date_trunc('month', holdout.assigned_on) as date) as month,
        count(distinct coalesce(alias.customer_key, holdout.customer_key)) as held_back
    from campaigns.holdout as holdout
    left join merged as alias on holdout.customer_key = alias.source_customer_key
    where holdout.assigned_on >= :months_from and holdout.assigned_on < :as_of_date
    group by holdout.play, date_trunc('month', holdout.assigned_on)
)

select
    :as_of_date as as_of_date,
    coalesce(reached.play, held.play) as play,
    coalesce(reached.month, held.month) as month,
    coalesce(held.held_back, 0) as held_back,
    coalesce(reached.handed_out, 0) as handed_out,
    coalesce(reached.sent, 0) as sent,
    coalesce(reached.delivered, 0) as delivered,
    coalesce(reached.opened, 0) as opened,
    coalesce(reached.clicked, 0) as clicked,
    coalesce(reached.converted, 0) as converted,
    coalesce(reached.bought, 0) as bought,
    coalesce(reached.unsubscribed, 0) as unsubscribed,
    cast(coalesce(reached.cost_minor, 0) as bigint) as cost_minor
from reached
full outer join held on reached.play = held.play and reached.month = held.month
