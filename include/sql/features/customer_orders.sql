-- features.customer_orders: one row per purchaser per as_of_date, from the ledger of orders.
-- A purchaser has at least one order paid before as_of that is not cancelled before as_of; test accounts and people whom
-- the source deleted before as_of are left out, as in the other feature tables. An order lies in the window of its payment,
-- and everything booked on it before as_of (corrections, refunds, returns, cancellation) is netted there.
-- No window function: the gap to the previous order is stored on the ledger row, so that rows stream in customer order.
with

left_out as (
    select customer_key
    from core.customer
    where
        customer_key between :first_key and :last_key
        and valid_from < :as_of
        and (valid_to is null or valid_to >= :as_of)
        and (is_test or deleted_at < :as_of)
),

-- Almost every order is its payment and nothing else: these rows stream from the index in the order of customers and time. Only
-- orders with more on them, which an index of their own finds, are put together from their entries.
changed_orders as (
    select distinct order_key
    from core.order_entry
    where
        customer_key between :first_key and :last_key
        and kind <> 'paid'
        and happened_at < :as_of
        and (deleted_at is null or deleted_at >= :as_of)
),

put_together as (
    select
        customer_key,
        order_key,
        min(happened_at) filter (where kind = 'paid') as paid_at,
        sum(order_count) > 0 as is_live,
        cast(sum(gross_minor) as bigint) as gross_minor,
        cast(sum(discount_minor) as bigint) as discount_minor,
        cast(sum(net_minor) as bigint) as net_minor,
        cast(coalesce(-sum(net_minor) filter (where kind in ('refunded', 'returned')), 0) as bigint) as refunded_minor,
        max(days_since_previous_order) as days_since_previous_order,
        max(previous_paid_at) as previous_paid_at
    from core.order_entry
    where
        customer_key between :first_key and :last_key
        and order_key in (select changed_orders.order_key from changed_orders)
        and happened_at < :as_of
        and (deleted_at is null or deleted_at >= :as_of)
        and customer_key not in (select left_out.customer_key from left_out)
    group by customer_key, order_key
),

orders as not materialized (
    (select
        customer_key,
        order_key,
        happened_at as paid_at,
        true as is_live,
        gross_minor,
        discount_minor,
        net_minor,
        cast(0 as bigint) as refunded_minor,
        days_since_previous_order,
        previous_paid_at
    from core.order_entry
    where
        customer_key between :first_key and :last_key
        and kind = 'paid'
        and happened_at < :as_of
        and (deleted_at is null or deleted_at >= :as_of)
        and customer_key not in (select left_out.customer_key from left_out)
        and order_key not in (select changed_orders.order_key from changed_orders)
    order by customer_key, happened_at)

    union all

    (select
        customer_key,
        order_key,
        paid_at,
        is_live,
        gross_minor,
        discount_minor,
        net_minor,
        refunded_minor,
        days_since_previous_order,
        previous_paid_at
    from put_together
    where paid_at is not null
    order by customer_key, paid_at)
),

-- The order before that the ledger stores leaves out those that the source has deleted since. As of a date before that deletion
-- they were there: for these few people it is looked up.
deleted_later as (
    select distinct customer_key
    from core.order_entry
    where
        customer_key between :first_key and :last_key
        and kind = 'paid'
        and deleted_at >= :as_of
),

-- A ledger that knows only how long ago the order before was has that rounded to a tenth of a second: half a second is added, so
-- that an order on the stroke of midnight does not slip into the day before.
ordered as not materialized (
    select
        customer_key,
        paid_at,
        is_live,
        gross_minor,
        discount_minor,
        net_minor,
        refunded_minor,
        case
            when customer_key in (select deleted_later.customer_key from deleted_later)
                then (
                    select max(earlier.happened_at)
                    from core.order_entry as earlier
                    where
                        earlier.customer_key = orders.customer_key
                        and earlier.kind = 'paid'
                        and (earlier.happened_at, earlier.order_key) < (orders.paid_at, orders.order_key)
                        and (earlier.deleted_at is null or earlier.deleted_at >= :as_of)
                )
            else coalesce(
                previous_paid_at,
                paid_at - cast(days_since_previous_order as double precision) * interval '1 day' + interval '0.5 seconds'
            )
        end as previous_paid_at
    from orders
    order by customer_key, paid_at
    offset 0  -- noqa: AM09
),

-- Rhythm is counted in whole business days, here since 1970: by plain arithmetic from where on the time zone has kept the offset it
-- has now, as converting each of millions of times would take longer than all the rest. `offset 0` keeps the planner from
-- copying this into each of the sums that read it.
dated_orders as not materialized (
    select
        customer_key,
        paid_at,
        is_live,
        gross_minor,
        discount_minor,
        net_minor,
        refunded_minor,
        case when is_live then paid_at end as live_at,
        case
            when paid_at >= :offset_since
                then cast(floor((date_part('epoch', paid_at) + :offset_seconds) / 86400) as integer)
            else cast(paid_at at time zone :business_timezone as date) - date '1970-01-01'
        end as paid_day,
        case
            when previous_paid_at >= :offset_since
                then cast(floor((date_part('epoch', previous_paid_at) + :offset_seconds) / 86400) as integer)
            else cast(previous_paid_at at time zone :business_timezone as date) - date '1970-01-01'
        end as previous_day
    from ordered
    order by customer_key, paid_at
    offset 0  -- noqa: AM09
),

history as (
    select
        customer_key,
        min(live_at) as first_order_at,
        max(live_at) as last_order_at,
        date '1970-01-01' + min(paid_day) filter (where is_live) as first_order_date,
        date '1970-01-01' + max(paid_day) filter (where is_live) as last_order_date,
        count(live_at) as count_orders_lifetime,
        count(distinct paid_day) filter (where is_live) as count_order_days_lifetime,
        count(*) filter (where live_at >= :since_30d) as count_orders_30d,
        count(*) filter (where live_at >= :since_90d) as count_orders_90d,
        count(*) filter (where live_at >= :since_180d and live_at < :since_90d) as count_orders_previous_90d,
        count(*) filter (where live_at >= :since_365d) as count_orders_365d,
        count(*) filter (where not is_live and paid_at >= :since_365d) as count_cancelled_365d,
        cast(coalesce(sum(net_minor) filter (where live_at >= :since_30d), 0) as bigint) as net_minor_30d,
        cast(coalesce(sum(net_minor) filter (where live_at >= :since_90d), 0) as bigint) as net_minor_90d,
        cast(
            coalesce(sum(net_minor) filter (where live_at >= :since_180d and live_at < :since_90d), 0) as bigint
        ) as net_minor_previous_90d,
        cast(coalesce(sum(net_minor) filter (where live_at >= :since_365d), 0) as bigint) as net_minor_365d,
        cast(sum(net_minor) filter (where is_live) as bigint) as net_minor_lifetime,
        cast(coalesce(sum(gross_minor) filter (where live_at >= :since_365d), 0) as bigint) as gross_minor_365d,
        cast(coalesce(sum(discount_minor) filter (where live_at >= :since_365d), 0) as bigint) as discount_minor_365d,
        cast(coalesce(sum(refunded_minor) filter (where live_at >= :since_365d), 0) as bigint) as refunded_minor_365d,
        max(net_minor) filter (where live_at >= :since_365d) as largest_order_minor_365d,
        (array_agg(net_minor order by paid_at) filter (where is_live))[1] as first_net_minor,
        date '1970-01-01' + (array_agg(paid_day order by paid_at) filter (where is_live))[2] as second_order_date,
        count(*) filter (where is_live and paid_day > previous_day) as count_gaps,
        sum(paid_day - previous_day) filter (where is_live) as sum_gaps,
        sum(cast(paid_day - previous_day as bigint) * (paid_day - previous_day)) filter (where is_live) as sum_squared_gaps,
        max(paid_day - previous_day) filter (where is_live) as largest_gap,
        max(live_at) filter (where paid_day - previous_day > :lost_days) as won_back_at,
        cast(coalesce(sum(net_minor) filter (where live_at >= :membership_year_start), 0) as bigint) as net_minor_membership_year
    from dated_orders
    group by customer_key
    having count(live_at) > 0
),

-- What the first day brought is the first order's, for all but the few who ordered more than once on it.
first_day_orders as (
    select
        history.customer_key,
        cast(sum(entry.net_minor) as bigint) as net_minor
    from history
    inner join core.order_entry as entry on history.customer_key = entry.customer_key
    where
        history.second_order_date = history.first_order_date
        and entry.happened_at < :as_of
        and (entry.deleted_at is null or entry.deleted_at >= :as_of)
    group by history.customer_key, history.first_order_date, entry.order_key
    having
        sum(entry.order_count) > 0
        and cast(
            min(entry.happened_at) filter (where entry.kind = 'paid') at time zone :business_timezone as date
        ) = history.first_order_date
),

first_days as (
    select
        customer_key,
        cast(sum(net_minor) as bigint) as net_minor
    from first_day_orders
    group by customer_key
),

cancelled_orders as (
    select order_key
    from put_together
    where not is_live
),

-- An order that its source changed at as_of or later is read in the state before: payment, coupon and channel included.
headers as (
    select
        customer_key,
        order_key,
        paid_at,
        coupon_code,
        channel,
        deleted_at
    from core.order_header
    where
        customer_key between :first_key and :last_key
        and paid_at >= :since_365d
        and paid_at < :as_of
        and coalesce(updated_at < :as_of, true)

    union all

    select
        header.customer_key,
        header.order_key,
        case when earlier.order_key is null then header.paid_at else earlier.paid_at end as paid_at,
        case when earlier.order_key is null then header.coupon_code else earlier.coupon_code end as coupon_code,
        case when earlier.order_key is null then header.channel else earlier.channel end as channel,
        case when earlier.order_key is null then header.deleted_at else earlier.deleted_at end as deleted_at
    from core.order_header as header
    left join lateral (
        select
            version.order_key,
            version.paid_at,
            version.coupon_code,
            version.channel,
            version.deleted_at
        from core.order_version as version
        where version.order_key = header.order_key
        order by
            version.version_at < :as_of desc,
            case when version.version_at < :as_of then version.version_at end desc,
            version.version_at
        limit 1
    ) as earlier on true
    where
        header.customer_key between :first_key and :last_key
        and header.updated_at >= :as_of
),

order_attributes as (
    select
        customer_key,
        count(*) as count_headers,
        count(*) filter (where coupon_code is not null) as count_coupon_orders,
        count(distinct channel) as count_channels
    from headers
    where
        paid_at >= :since_365d
        and paid_at < :as_of
        and (deleted_at is null or deleted_at >= :as_of)
        and order_key not in (select cancelled_orders.order_key from cancelled_orders)
    group by customer_key
)

select
    :as_of_date as as_of_date,
    history.customer_key,
    history.first_order_at,
    history.last_order_at,
    history.won_back_at,
    :as_of_date - history.last_order_date as recency_days,
    :as_of_date - history.first_order_date as tenure_days,
    history.last_order_date - history.first_order_date as first_to_last_order_days,
    history.count_orders_lifetime,
    history.count_order_days_lifetime,
    history.count_orders_30d,
    history.count_orders_90d,
    history.count_orders_previous_90d,
    history.count_orders_90d - history.count_orders_previous_90d as orders_change_90d,
    history.count_orders_365d,
    history.count_cancelled_365d as count_cancelled_orders_365d,
    history.net_minor_30d,
    history.net_minor_90d,
    history.net_minor_previous_90d,
    history.net_minor_90d - history.net_minor_previous_90d as net_change_90d_minor,
    history.net_minor_365d,
    history.net_minor_lifetime,
    history.net_minor_membership_year,
    history.gross_minor_365d,
    history.discount_minor_365d,
    cast(history.discount_minor_365d as double precision) / nullif(history.gross_minor_365d, 0) as discount_share_365d,
    cast(history.net_minor_365d as double precision)
    / nullif(history.count_orders_365d, 0) as mean_order_value_minor_365d,
    history.largest_order_minor_365d,
    history.refunded_minor_365d,
    cast(history.refunded_minor_365d as double precision)
    / nullif(history.net_minor_365d + history.refunded_minor_365d, 0) as refund_share_365d,
    cast(history.last_order_date - history.first_order_date as double precision)
    / nullif(history.count_order_days_lifetime - 1, 0) as mean_days_between_orders,
    case
        when history.count_gaps > 1
            then sqrt(
                cast(
                    greatest(
                        history.sum_squared_gaps * history.count_gaps - history.sum_gaps * history.sum_gaps, 0
                    ) as double precision
                ) / cast(history.count_gaps * (history.count_gaps - 1) as double precision)
            )
    end as std_days_between_orders,
    cast(history.largest_gap as double precision) as max_days_between_orders,
    cast(:as_of_date - history.last_order_date as double precision)
    * (history.count_order_days_lifetime - 1)
    / nullif(history.last_order_date - history.first_order_date, 0) as overdue_ratio,
    cast(history.net_minor_lifetime - coalesce(first_days.net_minor, history.first_net_minor) as double precision)
    / nullif(history.count_order_days_lifetime - 1, 0) as repeat_order_value_mean_minor,
    coalesce(order_attributes.count_coupon_orders, 0) as count_coupon_orders_365d,
    cast(order_attributes.count_coupon_orders as double precision)
    / order_attributes.count_headers as coupon_order_share_365d,
    coalesce(order_attributes.count_channels, 0) as count_order_channels_365d
from history
left join order_attributes on history.customer_key = order_attributes.customer_key
left join first_days on history.customer_key = first_days.customer_key
