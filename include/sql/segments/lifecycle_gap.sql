-- segments.lifecycle_gap: stages that began on days which were not run, between the newest slice before and this one.
-- The day's own data tell them: each order begins an epoch, and within an epoch a stage changes only on a day that the calendar
-- gives (the 91st day of a new customer, the 366th after the last order …), so only these days are looked at. What no data tell
-- is the churn probability of a day not run: who was at risk stays so until the next order, who was not becomes so by the own rhythm
-- alone. After a run on the day before there is nothing to look at.
with

known as (
    select
        engagement.customer_key,
        engagement.count_converted_referrals_lifetime
    from features.customer_engagement as engagement
    where engagement.as_of_date = :as_of_date and cast(:as_of_date as date) - cast(:previous_date as date) > 1
),

previous as (
    select
        known.customer_key,
        known.count_converted_referrals_lifetime,
        lifecycle.lifecycle_stage,
        coalesce(tier.is_at_risk, false) as is_at_risk,
        orders.count_orders_lifetime,
        orders.count_order_days_lifetime,
        cast(:previous_date as date) - orders.tenure_days as first_on,
        cast(:previous_date as date) - orders.recency_days as last_on,
        cast(orders.won_back_at at time zone :business_timezone as date) as won_back_on
    from known
    left join segments.lifecycle as lifecycle
        on lifecycle.as_of_date = cast(:previous_date as date) and known.customer_key = lifecycle.customer_key
    left join segments.tier as tier
        on tier.as_of_date = cast(:previous_date as date) and known.customer_key = tier.customer_key
    left join features.customer_orders as orders
        on orders.as_of_date = cast(:previous_date as date) and known.customer_key = orders.customer_key
),

orders_since as (
    -- By order: one that was cancelled meanwhile never counted.
    select
        entry.customer_key,
        entry.order_key,
        cast(min(entry.happened_at) filter (where entry.kind = 'paid') at time zone :business_timezone as date) as paid_on
    from core.order_entry as entry
    where
        cast(:as_of_date as date) - cast(:previous_date as date) > 1
        and entry.order_key in (
            select paid.order_key
            from core.order_entry as paid
            where
                paid.kind = 'paid'
                and paid.happened_at >= cast(cast(:previous_date as date) as timestamp) at time zone :business_timezone
                and paid.happened_at < :as_of
        )
        and entry.happened_at < :as_of
        and (entry.deleted_at is null or entry.deleted_at >= :as_of)
    group by entry.customer_key, entry.order_key
    having sum(entry.order_count) > 0
),

order_days as (
    select
        orders_since.customer_key,
        orders_since.paid_on,
        count(*) as count_orders
    from orders_since
    inner join known on orders_since.customer_key = known.customer_key
    where orders_since.paid_on < cast(:as_of_date as date) - 1
    group by orders_since.customer_key, orders_since.paid_on
),

epochs as (
    select
        previous.customer_key,
        cast(:previous_date as date) + 1 as epoch_from,
        previous.is_at_risk,
        previous.count_orders_lifetime as count_orders,
        previous.count_order_days_lifetime as count_order_days,
        previous.first_on,
        previous.last_on,
        previous.won_back_on
    from previous
    where previous.count_orders_lifetime is not null

    union all

    select
        order_days.customer_key,
        order_days.paid_on + 1 as epoch_from,
        false as is_at_risk,
        coalesce(previous.count_orders_lifetime, 0) + sum(order_days.count_orders) over by_day as count_orders,
        coalesce(previous.count_order_days_lifetime, 0) + row_number() over by_day as count_order_days,
        coalesce(previous.first_on, min(order_days.paid_on) over by_day) as first_on,
        order_days.paid_on as last_on,
        case
            when order_days.paid_on - coalesce(lag(order_days.paid_on) over by_day, previous.last_on) > :lost_days
                then order_days.paid_on
            else previous.won_back_on
        end as won_back_on
    from order_days
    inner join previous on order_days.customer_key = previous.customer_key
    window by_day as (partition by order_days.customer_key order by order_days.paid_on)
),

bounded as (
    select
        epochs.*,
        cast(epochs.last_on - epochs.first_on as double precision) / nullif(epochs.count_order_days - 1, 0) as mean_gap_days,
        coalesce(
            lead(epochs.epoch_from) over (partition by epochs.customer_key order by epochs.epoch_from), :as_of_date
        ) as epoch_until
    from epochs
),

days as (
    select distinct
        bounded.customer_key,
        day.on_date
    from bounded
    cross join lateral (
        values
        (bounded.epoch_from),
        (bounded.first_on + :new_days + 1),
        (bounded.last_on + :lost_days + 1),
        (bounded.won_back_on + :won_back_days + 1),
        (bounded.last_on + cast(ceil(:at_risk_overdue_ratio * bounded.mean_gap_days) as integer))
    ) as day (on_date)
    where day.on_date >= bounded.epoch_from and day.on_date < bounded.epoch_until
),

staged as (
    select
        days.customer_key,
        days.on_date,
        previous.lifecycle_stage as known_stage,
        case
            when days.on_date - bounded.won_back_on <= :won_back_days then 'won_back'
            when days.on_date - bounded.last_on > :lost_days then 'lost'
            when
                bounded.is_at_risk
                or days.on_date - bounded.last_on >= :at_risk_overdue_ratio * nullif(bounded.mean_gap_days, 0)
                then 'at_risk'
            when bounded.count_orders >= :loyal_orders and bounded.last_on - bounded.first_on >= :loyal_span_days then 'loyal'
            when
                bounded.count_orders >= :loyal_orders_with_referral and previous.count_converted_referrals_lifetime >= 1
                then 'loyal'
            when bounded.count_orders >= 2 then 'repeat'
            when days.on_date - bounded.first_on <= :new_days then 'new'
            else 'lapsed_new'
        end as lifecycle_stage
    from days
    inner join previous on days.customer_key = previous.customer_key
    inner join bounded
        on
            days.customer_key = bounded.customer_key
            and days.on_date >= bounded.epoch_from
            and days.on_date < bounded.epoch_until
),

followed as (
    select
        customer_key,
        on_date,
        lifecycle_stage,
        coalesce(lag(lifecycle_stage) over (partition by customer_key order by on_date), known_stage) as from_stage
    from staged
)

select
    :as_of_date as as_of_date,
    followed.customer_key,
    followed.on_date as stage_from,
    followed.from_stage,
    followed.lifecycle_stage as to_stage
from followed
where followed.from_stage is distinct from followed.lifecycle_stage
