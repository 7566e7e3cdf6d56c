-- features.customer_orders: one row per purchaser per as_of_date, from the ledger of orders.
-- A purchaser has at least one order paid before as_of that is not cancelled before as_of; test accounts and people whom
-- the source deleted before as_of are left out, as in the other feature tables. An order lies in the window of its payment,
-- and everything booked on it before as_of (corrections, refunds, returns, cancellation) is netted there.
-- No window function and no sort: payments stream from their index in the order of customers and time, with the gap to the
-- order before on the row; what was booked on an order later, which an index of its own finds, is added per customer.
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

bookings as (
    select
        order_key,
        sum(order_count) as order_count,
        cast(sum(gross_minor) as bigint) as gross_minor,
        cast(sum(discount_minor) as bigint) as discount_minor,
        cast(sum(net_minor) as bigint) as net_minor,
        cast(coalesce(-sum(net_minor) filter (where kind in ('refunded', 'returned')), 0) as bigint) as refunded_minor
    from core.order_entry
    where
        customer_key between :first_key and :last_key
        and kind <> 'paid'
        and happened_at < :as_of
        and (deleted_at is null or deleted_at >= :as_of)
    group by order_key
),

-- Cancelled before as_of: left out of all that follows but their own count, so their payments need not be looked up.
cancelled_orders as (
    select order_key
    from bookings
    where order_count < 0
),

-- Orders that stand and have more on them than their payment: few.
changed_orders as (
    select
        paid.customer_key,
        paid.order_key,
        paid.happened_at as paid_at,
        bookings.gross_minor,
        bookings.discount_minor,
        bookings.net_minor,
        bookings.refunded_minor,
        paid.net_minor + bookings.net_minor as order_net_minor
    from bookings
    inner join core.order_entry as paid on bookings.order_key = paid.order_key and paid.kind = 'paid'
    where
        bookings.order_count >= 0
        and paid.happened_at < :as_of
        and (paid.deleted_at is null or paid.deleted_at >= :as_of)
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
payments as not materialized (
    select
        customer_key,
        happened_at as paid_at,
        net_minor,
        case
            when customer_key in (select deleted_later.customer_key from deleted_later)
                then (
                    select max(earlier.happened_at)
                    from core.order_entry as earlier
                    where
                        earlier.customer_key = paid.customer_key
                        and earlier.kind = 'paid'
                        and (earlier.happened_at, earlier.order_key) < (paid.happened_at, paid.order_key)
                        and (earlier.deleted_at is null or earlier.deleted_at >= :as_of)
                )
            else coalesce(
                previous_paid_at,
                happened_at - cast(days_since_previous_order as double precision) * interval '1 day' + interval '0.5 seconds'
            )
        end as previous_paid_at
    from core.order_entry as paid
    where
        customer_key between :first_key and :last_key
        and kind = 'paid'
        and happened_at < :as_of
        and (deleted_at is null or deleted_at >= :as_of)
        and customer_key not in (select left_out.customer_key from left_out)
        and order_key not in (select cancelled_orders.order_key from cancelled_orders)
    order by customer_key, happened_at
    offset 0  -- noqa: AM09
),

-- Rhythm is counted in whole business days, here since 1970: by plain arithmetic from where on the time zone has kept the offset it
-- has now, as converting each of millions of times would take longer than all the rest. `offset 0` keeps the planner from
-- copying this into each of the sums that read it.
dated_payments as not materialized (
    select
        customer_key,
        paid_at,
        net_minor,
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
    from payments
    order by customer_key, paid_at
    offset 0  -- noqa: AM09
),

gaps as not materialized (
    select
        customer_key,
        paid_at,
        net_minor,
        paid_day,
        paid_day - previous_day as gap_days
    from dated_payments
    order by customer_key, paid_at
    offset 0  -- noqa: AM09
),

history as (
    select
        customer_key,
        min(paid_at) as first_order_at,
        max(paid_at) as last_order_at,
        date '1970-01-01' + min(paid_day) as first_order_date,
        date '1970-01-01' + max(paid_day) as last_order_date,
        count(*) as count_orders,
        count(distinct paid_day) as count_order_days,
        sum(net_minor) as net_minor,
        (array_agg(net_minor order by paid_at))[1] as first_net_minor,
        date '1970-01-01' + (array_agg(paid_day order by paid_at))[2] as second_order_date,
        count(*) filter (where gap_days > 0) as count_gaps,
        sum(gap_days) as sum_gaps,
        sum(cast(gap_days as bigint) * gap_days) as sum_squared_gaps,
        max(gap_days) as largest_gap,
        max(paid_at) filter (where gap_days > :lost_days) as won_back_at
    from gaps
    group by customer_key
),

-- The windows look back a year, and as far as the membership year: a second look at these orders costs less than asking every
-- order of all years for every window.
recent_payments as not materialized (
    select
        customer_key,
        happened_at as paid_at,
        case when order_key not in (select cancelled_orders.order_key from cancelled_orders) then happened_at end as live_at,
        gross_minor,
        discount_minor,
        net_minor,
        order_key in (select changed_orders.order_key from changed_orders) as is_changed
    from core.order_entry
    where
        customer_key between :first_key and :last_key
        and kind = 'paid'
        and happened_at >= least(:since_365d, :membership_year_start)
        and happened_at < :as_of
        and (deleted_at is null or deleted_at >= :as_of)
    order by customer_key, happened_at
    offset 0  -- noqa: AM09
),

recent as (
    select
        customer_key,
        count(*) filter (where live_at >= :since_30d) as count_orders_30d,
        count(*) filter (where live_at >= :since_90d) as count_orders_90d,
        count(*) filter (where live_at >= :since_180d and live_at < :since_90d) as count_orders_previous_90d,
        count(*) filter (where live_at >= :since_365d) as count_orders_365d,
        sum(net_minor) filter (where live_at >= :since_30d) as net_minor_30d,
        sum(net_minor) filter (where live_at >= :since_90d) as net_minor_90d,
        sum(net_minor) filter (where live_at >= :since_180d and live_at < :since_90d) as net_minor_previous_90d,
        sum(net_minor) filter (where live_at >= :since_365d) as net_minor_365d,
        sum(net_minor) filter (where live_at >= :membership_year_start) as net_minor_membership_year,
        sum(gross_minor) filter (where live_at >= :since_365d) as gross_minor_365d,
        sum(discount_minor) filter (where live_at >= :since_365d) as discount_minor_365d,
        max(net_minor) filter (where live_at >= :since_365d and not is_changed) as largest_order_minor_365d,
        count(*) filter (where live_at is null and paid_at >= :since_365d) as count_cancelled_365d
    from recent_payments
    group by customer_key
),

changes as (
    select
        customer_key,
        min(paid_at) as first_changed_at,
        (array_agg(net_minor order by paid_at))[1] as first_net_minor,
        sum(net_minor) as net_minor_lifetime,
        sum(net_minor) filter (where paid_at >= :since_30d) as net_minor_30d,
        sum(net_minor) filter (where paid_at >= :since_90d) as net_minor_90d,
        sum(net_minor) filter (where paid_at >= :since_180d and paid_at < :since_90d) as net_minor_previous_90d,
        sum(net_minor) filter (where paid_at >= :since_365d) as net_minor_365d,
        sum(net_minor) filter (where paid_at >= :membership_year_start) as net_minor_membership_year,
        sum(gross_minor) filter (where paid_at >= :since_365d) as gross_minor_365d,
        sum(discount_minor) filter (where paid_at >= :since_365d) as discount_minor_365d,
        sum(refunded_minor) filter (where paid_at >= :since_365d) as refunded_minor_365d,
        max(order_net_minor) filter (where paid_at >= :since_365d) as largest_order_minor_365d
    from changed_orders
    group by customer_key
),

purchasers as (
    select
        history.customer_key,
        history.first_order_at,
        history.last_order_at,
        history.first_order_date,
        history.last_order_date,
        history.second_order_date,
        history.won_back_at,
        history.count_orders,
        history.count_order_days,
        history.count_gaps,
        history.sum_gaps,
        history.sum_squared_gaps,
        history.largest_gap,
        history.first_net_minor
        + case when changes.first_changed_at = history.first_order_at then changes.first_net_minor else 0 end as first_net_minor,
        cast(history.net_minor + coalesce(changes.net_minor_lifetime, 0) as bigint) as net_minor_lifetime,
        coalesce(recent.count_orders_30d, 0) as count_orders_30d,
        coalesce(recent.count_orders_90d, 0) as count_orders_90d,
        coalesce(recent.count_orders_previous_90d, 0) as count_orders_previous_90d,
        coalesce(recent.count_orders_365d, 0) as count_orders_365d,
        coalesce(recent.count_cancelled_365d, 0) as count_cancelled_365d,
        cast(coalesce(recent.net_minor_30d, 0) + coalesce(changes.net_minor_30d, 0) as bigint) as net_minor_30d,
        cast(coalesce(recent.net_minor_90d, 0) + coalesce(changes.net_minor_90d, 0) as bigint) as net_minor_90d,
        cast(
            coalesce(recent.net_minor_previous_90d, 0) + coalesce(changes.net_minor_previous_90d, 0) as bigint
        ) as net_minor_previous_90d,
        cast(coalesce(recent.net_minor_365d, 0) + coalesce(changes.net_minor_365d, 0) as bigint) as net_minor_365d,
        cast(
            coalesce(recent.net_minor_membership_year, 0) + coalesce(changes.net_minor_membership_year, 0) as bigint
        ) as net_minor_membership_year,
        cast(coalesce(recent.gross_minor_365d, 0) + coalesce(changes.gross_minor_365d, 0) as bigint) as gross_minor_365d,
        cast(
            coalesce(recent.discount_minor_365d, 0) + coalesce(changes.discount_minor_365d, 0) as bigint
        ) as discount_minor_365d,
        cast(coalesce(changes.refunded_minor_365d, 0) as bigint) as refunded_minor_365d,
        greatest(recent.largest_order_minor_365d, changes.largest_order_minor_365d) as largest_order_minor_365d
    from history
    left join recent on history.customer_key = recent.customer_key
    left join changes on history.customer_key = changes.customer_key
),

-- What the first day brought is the first order's, for all but the few who ordered more than once on it.
first_day_orders as (
    select
        purchasers.customer_key,
        cast(sum(entry.net_minor) as bigint) as net_minor
    from purchasers
    inner join core.order_entry as entry on purchasers.customer_key = entry.customer_key
    where
        purchasers.second_order_date = purchasers.first_order_date
        and entry.happened_at < :as_of
        and (entry.deleted_at is null or entry.deleted_at >= :as_of)
    group by purchasers.customer_key, purchasers.first_order_date, entry.order_key
    having
        sum(entry.order_count) > 0
        and cast(
            min(entry.happened_at) filter (where entry.kind = 'paid') at time zone :business_timezone as date
        ) = purchasers.first_order_date
),

first_days as (
    select
        customer_key,
        cast(sum(net_minor) as bigint) as net_minor
    from first_day_orders
    group by customer_key
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
    purchasers.customer_key,
    purchasers.first_order_at,
    purchasers.last_order_at,
    purchasers.won_back_at,
    :as_of_date - purchasers.last_order_date as recency_days,
    :as_of_date - purchasers.first_order_date as tenure_days,
    purchasers.last_order_date - purchasers.first_order_date as first_to_last_order_days,
    purchasers.count_orders as count_orders_lifetime,
    purchasers.count_order_days as count_order_days_lifetime,
    purchasers.count_orders_30d,
    purchasers.count_orders_90d,
    purchasers.count_orders_previous_90d,
    purchasers.count_orders_90d - purchasers.count_orders_previous_90d as orders_change_90d,
    purchasers.count_orders_365d,
    purchasers.count_cancelled_365d as count_cancelled_orders_365d,
    purchasers.net_minor_30d,
    purchasers.net_minor_90d,
    purchasers.net_minor_previous_90d,
    purchasers.net_minor_90d - purchasers.net_minor_previous_90d as net_change_90d_minor,
    purchasers.net_minor_365d,
    purchasers.net_minor_lifetime,
    purchasers.net_minor_membership_year,
    purchasers.gross_minor_365d,
    purchasers.discount_minor_365d,
    cast(purchasers.discount_minor_365d as double precision) / nullif(purchasers.gross_minor_365d, 0) as discount_share_365d,
    cast(purchasers.net_minor_365d as double precision)
    / nullif(purchasers.count_orders_365d, 0) as mean_order_value_minor_365d,
    purchasers.largest_order_minor_365d,
    purchasers.refunded_minor_365d,
    cast(purchasers.refunded_minor_365d as double precision)
    / nullif(purchasers.net_minor_365d + purchasers.refunded_minor_365d, 0) as refund_share_365d,
    cast(purchasers.last_order_date - purchasers.first_order_date as double precision)
    / nullif(purchasers.count_order_days - 1, 0) as mean_days_between_orders,
    case
        when purchasers.count_gaps > 1
            then sqrt(
                cast(
                    greatest(
                        purchasers.sum_squared_gaps * purchasers.count_gaps - purchasers.sum_gaps * purchasers.sum_gaps, 0
                    ) as double precision
                ) / cast(purchasers.count_gaps * (purchasers.count_gaps - 1) as double precision)
            )
    end as std_days_between_orders,
    cast(purchasers.largest_gap as double precision) as max_days_between_orders,
    cast(:as_of_date - purchasers.last_order_date as double precision)
    * (purchasers.count_order_days - 1)
    / nullif(purchasers.last_order_date - purchasers.first_order_date, 0) as overdue_ratio,
    cast(purchasers.net_minor_lifetime - coalesce(first_days.net_minor, purchasers.first_net_minor) as double precision)
    / nullif(purchasers.count_order_days - 1, 0) as repeat_order_value_mean_minor,
    coalesce(order_attributes.count_coupon_orders, 0) as count_coupon_orders_365d,
    cast(order_attributes.count_coupon_orders as double precision)
    / order_attributes.count_headers as coupon_order_share_365d,
    coalesce(order_attributes.count_channels, 0) as count_order_channels_365d
from purchasers
left join order_attributes on purchasers.customer_key = order_attributes.customer_key
left join first_days on purchasers.customer_key = first_days.customer_key
