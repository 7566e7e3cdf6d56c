-- features.customer_orders: one row per purchaser per as_of_date, from the ledger of orders.
-- A purchaser has at least one order paid before as_of that is not cancelled before as_of; test accounts and people whom
-- the source deleted before as_of are left out, as in the other feature tables. An order lies in the window of its payment,
-- and everything booked on it before as_of (corrections, refunds, returns, cancellation) is netted there.
-- No window function and no sort of all rows: payments stream from their index in the order of customers and time, with the gap
-- to the order before on the row, and the few orders with more on them than their payment are merged in as they stand.
-- What was paid before past_until is in features.order_past, one row a customer; the ledger is read from there on. Where
-- past_until lies before all orders, all of it comes from the ledger; both ways give the same rows.
with

left_out as (
    select customer_key
    from core.customer
    where
        customer_key between :first_key and :last_key
        and valid_from < :as_of
        and (valid_to is null or valid_to >= :as_of)
        and (is_test or deleted_at < :as_of)
        and :leaves_out
),

bookings as (
    select
        customer_key,
        order_key,
        max(happened_at) as last_booked_at,
        sum(order_count) as order_count,
        cast(sum(cast(gross_minor as double precision)) as bigint) as gross_minor,
        cast(sum(cast(discount_minor as double precision)) as bigint) as discount_minor,
        cast(sum(cast(net_minor as double precision)) as bigint) as net_minor,
        cast(
            coalesce(-sum(cast(net_minor as double precision)) filter (where kind in ('refunded', 'returned')), 0) as bigint
        ) as refunded_minor
    from core.order_entry
    where
        customer_key between :first_key and :last_key
        and kind <> 'paid'
        and happened_at < :as_of
        and (deleted_at is null or deleted_at >= :as_of)
    group by customer_key, order_key
),

cancelled_orders as (
    select order_key
    from bookings
    where order_count < 0
),

-- `offset 0` makes it a look-up by key for each of the few, however many the planner expects.
booked_since as (
    select
        paid.customer_key,
        paid.order_key,
        paid.happened_at,
        paid.previous_paid_at,
        paid.days_since_previous_order,
        paid.gross_minor + bookings.gross_minor as gross_minor,
        paid.discount_minor + bookings.discount_minor as discount_minor,
        paid.net_minor + bookings.net_minor as net_minor,
        bookings.refunded_minor,
        bookings.order_count < 0 as is_cancelled
    from bookings
    inner join lateral (
        select *
        from core.order_entry as entry
        where
            entry.order_key = bookings.order_key
            and entry.kind = 'paid'
            and entry.happened_at < :as_of
            and (entry.deleted_at is null or entry.deleted_at >= :as_of)
        offset 0  -- noqa: AM09
    ) as paid on true
    where bookings.last_booked_at >= :past_until
),

-- Whose past is not what is kept of it: their rows were changed since, or something was booked since on an order of theirs of
-- before. Their whole ledger is read.
unkept as (
    select customer_key
    from features.order_past
    where customer_key between :first_key and :last_key and is_stale
    union
    select customer_key
    from booked_since
    where happened_at < :past_until
),

-- Not joined: of two lists made on the way the planner would expect a row for every pair.
unkept_bookings as materialized (
    select
        order_key,
        order_count,
        gross_minor,
        discount_minor,
        net_minor,
        refunded_minor
    from bookings
    where last_booked_at < :past_until and customer_key in (select unkept.customer_key from unkept)
),

-- Orders with more on them than their payment: few, and looked up one by one.
booked_orders as (
    select
        customer_key,
        order_key,
        happened_at,
        previous_paid_at,
        days_since_previous_order,
        gross_minor,
        discount_minor,
        net_minor,
        refunded_minor,
        is_cancelled
    from booked_since

    union all

    select
        paid.customer_key,
        paid.order_key,
        paid.happened_at,
        paid.previous_paid_at,
        paid.days_since_previous_order,
        paid.gross_minor + unkept_bookings.gross_minor as gross_minor,
        paid.discount_minor + unkept_bookings.discount_minor as discount_minor,
        paid.net_minor + unkept_bookings.net_minor as net_minor,
        unkept_bookings.refunded_minor,
        unkept_bookings.order_count < 0 as is_cancelled
    from unkept_bookings
    inner join lateral (
        select *
        from core.order_entry as entry
        where
            entry.order_key = unkept_bookings.order_key
            and entry.kind = 'paid'
            and entry.happened_at < :as_of
            and (entry.deleted_at is null or entry.deleted_at >= :as_of)
        offset 0  -- noqa: AM09
    ) as paid on true
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

-- Every order that stands, with what it is worth as of the date.
standing_orders as not materialized (
    (select
        customer_key,
        order_key,
        happened_at,
        previous_paid_at,
        days_since_previous_order,
        gross_minor,
        discount_minor,
        net_minor,
        cast(0 as bigint) as refunded_minor
    from core.order_entry
    where
        customer_key between :first_key and :last_key
        and kind = 'paid'
        and happened_at >= :past_until
        and happened_at < :as_of
        and (deleted_at is null or deleted_at >= :as_of)
        and customer_key not in (select left_out.customer_key from left_out)
        and order_key not in (select booked_orders.order_key from booked_orders)
    order by customer_key, happened_at)

    union all

    (select
        paid.customer_key,
        paid.order_key,
        paid.happened_at,
        paid.previous_paid_at,
        paid.days_since_previous_order,
        paid.gross_minor,
        paid.discount_minor,
        paid.net_minor,
        cast(0 as bigint) as refunded_minor
    from unkept
    inner join lateral (
        select *
        from core.order_entry as entry
        where
            entry.customer_key = unkept.customer_key
            and entry.kind = 'paid'
            and entry.happened_at < :past_until
            and (entry.deleted_at is null or entry.deleted_at >= :as_of)
        offset 0  -- noqa: AM09
    ) as paid on true
    where
        paid.customer_key not in (select left_out.customer_key from left_out)
        and paid.order_key not in (select booked_orders.order_key from booked_orders)
    order by paid.customer_key, paid.happened_at)

    union all

    (select
        customer_key,
        order_key,
        happened_at,
        previous_paid_at,
        days_since_previous_order,
        gross_minor,
        discount_minor,
        net_minor,
        refunded_minor
    from booked_orders
    where not is_cancelled and customer_key not in (select left_out.customer_key from left_out)
    order by customer_key, happened_at)
),

-- A ledger that knows only how long ago the order before was has that rounded to a tenth of a second: half a second is added, so
-- that an order on the stroke of midnight does not slip into the day before. Sums of amounts are made in double precision, which
-- is exact for whole numbers up to 2^53 (the contract checks it) and takes a third of the time of sums that PostgreSQL makes of
-- bigint.
payments as not materialized (
    select
        customer_key,
        happened_at as paid_at,
        cast(gross_minor as double precision) as gross_minor,
        cast(discount_minor as double precision) as discount_minor,
        cast(net_minor as double precision) as net_minor,
        cast(refunded_minor as double precision) as refunded_minor,
        case
            when customer_key in (select deleted_later.customer_key from deleted_later)
                then (
                    select max(earlier.happened_at)
                    from core.order_entry as earlier
                    where
                        earlier.customer_key = orders.customer_key
                        and earlier.kind = 'paid'
                        and (earlier.happened_at, earlier.order_key) < (orders.happened_at, orders.order_key)
                        and (earlier.deleted_at is null or earlier.deleted_at >= :as_of)
                )
            else coalesce(
                previous_paid_at,
                happened_at - cast(days_since_previous_order as double precision) * interval '1 day' + interval '0.5 seconds'
            )
        end as previous_paid_at
    from standing_orders as orders
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
        gross_minor,
        discount_minor,
        net_minor,
        refunded_minor,
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
        gross_minor,
        discount_minor,
        net_minor,
        refunded_minor,
        paid_day,
        cast(paid_day - previous_day as double precision) as gap_days
    from dated_payments
    order by customer_key, paid_at
    offset 0  -- noqa: AM09
),

totals as (
    select
        customer_key,
        min(paid_at) as first_order_at,
        (array_agg(paid_at order by paid_at))[2] as second_order_at,
        max(paid_at) as last_order_at,
        max(paid_at) filter (where gap_days > :lost_days) as won_back_at,
        count(*) as count_orders,
        count(distinct paid_day) as count_order_days,
        sum(net_minor) as net_minor,
        (array_agg(net_minor order by paid_at))[1] as first_net_minor,
        count(*) filter (where gap_days > 0) as count_gaps,
        sum(gap_days) as sum_gaps,
        sum(gap_days * gap_days) as sum_squared_gaps,
        max(gap_days) as largest_gap,
        count(*) filter (where paid_at >= :since_30d) as count_orders_30d,
        count(*) filter (where paid_at >= :since_90d) as count_orders_90d,
        count(*) filter (where paid_at >= :since_180d and paid_at < :since_90d) as count_orders_previous_90d,
        count(*) filter (where paid_at >= :since_365d) as count_orders_365d,
        sum(net_minor) filter (where paid_at >= :since_30d) as net_minor_30d,
        sum(net_minor) filter (where paid_at >= :since_90d) as net_minor_90d,
        sum(net_minor) filter (where paid_at >= :since_180d and paid_at < :since_90d) as net_minor_previous_90d,
        sum(net_minor) filter (where paid_at >= :since_365d) as net_minor_365d,
        sum(net_minor) filter (where paid_at >= :membership_year_start) as net_minor_membership_year,
        sum(gross_minor) filter (where paid_at >= :since_365d) as gross_minor_365d,
        sum(discount_minor) filter (where paid_at >= :since_365d) as discount_minor_365d,
        sum(refunded_minor) filter (where paid_at >= :since_365d) as refunded_minor_365d,
        max(net_minor) filter (where paid_at >= :since_365d) as largest_order_minor_365d
    from gaps
    group by customer_key
),

-- From here on: the past that is kept, and what follows from both.
past as (
    select
        customer_key,
        first_order_at,
        second_order_at,
        last_order_at,
        won_back_at,
        count_orders,
        count_order_days,
        net_minor,
        first_net_minor,
        count_gaps,
        sum_gaps,
        sum_squared_gaps,
        largest_gap
    from features.order_past
    where
        customer_key between :first_key and :last_key
        and cut_at = :past_until
        and not is_stale
        and customer_key not in (select unkept.customer_key from unkept)
        and customer_key not in (select left_out.customer_key from left_out)
    order by customer_key
    offset 0  -- noqa: AM09
),

cancellations as (
    select
        customer_key,
        count(*) as count_cancelled_365d
    from booked_orders
    where is_cancelled and happened_at >= :since_365d
    group by customer_key
),

-- A business day never lies on both sides of past_until, which is the beginning of one.
purchasers as (
    select
        coalesce(past.customer_key, totals.customer_key) as customer_key,
        coalesce(past.first_order_at, totals.first_order_at) as first_order_at,
        coalesce(totals.last_order_at, past.last_order_at) as last_order_at,
        coalesce(totals.won_back_at, past.won_back_at) as won_back_at,
        cast(coalesce(past.first_order_at, totals.first_order_at) at time zone :business_timezone as date) as first_order_date,
        cast(coalesce(totals.last_order_at, past.last_order_at) at time zone :business_timezone as date) as last_order_date,
        cast(
            case
                when past.customer_key is null then totals.second_order_at
                else coalesce(past.second_order_at, totals.first_order_at)
            end at time zone :business_timezone as date
        ) as second_order_date,
        coalesce(past.count_orders, 0) + coalesce(totals.count_orders, 0) as count_orders,
        coalesce(past.count_order_days, 0) + coalesce(totals.count_order_days, 0) as count_order_days,
        coalesce(past.count_gaps, 0) + coalesce(totals.count_gaps, 0) as count_gaps,
        coalesce(past.sum_gaps, 0) + coalesce(totals.sum_gaps, 0) as sum_gaps,
        coalesce(past.sum_squared_gaps, 0) + coalesce(totals.sum_squared_gaps, 0) as sum_squared_gaps,
        greatest(past.largest_gap, totals.largest_gap) as largest_gap,
        coalesce(past.first_net_minor, totals.first_net_minor) as first_net_minor,
        cast(coalesce(past.net_minor, 0) + coalesce(totals.net_minor, 0) as bigint) as net_minor_lifetime,
        coalesce(totals.count_orders_30d, 0) as count_orders_30d,
        coalesce(totals.count_orders_90d, 0) as count_orders_90d,
        coalesce(totals.count_orders_previous_90d, 0) as count_orders_previous_90d,
        coalesce(totals.count_orders_365d, 0) as count_orders_365d,
        cast(coalesce(totals.net_minor_30d, 0) as bigint) as net_minor_30d,
        cast(coalesce(totals.net_minor_90d, 0) as bigint) as net_minor_90d,
        cast(coalesce(totals.net_minor_previous_90d, 0) as bigint) as net_minor_previous_90d,
        cast(coalesce(totals.net_minor_365d, 0) as bigint) as net_minor_365d,
        cast(coalesce(totals.net_minor_membership_year, 0) as bigint) as net_minor_membership_year,
        cast(coalesce(totals.gross_minor_365d, 0) as bigint) as gross_minor_365d,
        cast(coalesce(totals.discount_minor_365d, 0) as bigint) as discount_minor_365d,
        cast(coalesce(totals.refunded_minor_365d, 0) as bigint) as refunded_minor_365d,
        cast(totals.largest_order_minor_365d as bigint) as largest_order_minor_365d
    from past
    full join totals on past.customer_key = totals.customer_key
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
headers as not materialized (
    (select
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
    order by customer_key)

    union all

    (select
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
    order by header.customer_key)
),

recent_headers as not materialized (
    select
        customer_key,
        coupon_code,
        channel
    from headers
    where
        paid_at >= :since_365d
        and paid_at < :as_of
        and (deleted_at is null or deleted_at >= :as_of)
        and order_key not in (select cancelled_orders.order_key from cancelled_orders)
    order by customer_key
    offset 0  -- noqa: AM09
),

order_attributes as (
    select
        customer_key,
        count(*) as count_headers,
        count(coupon_code) as count_coupon_orders,
        count(distinct channel) as count_channels
    from recent_headers
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
    coalesce(cancellations.count_cancelled_365d, 0) as count_cancelled_orders_365d,
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
                greatest(
                    purchasers.sum_squared_gaps * purchasers.count_gaps - purchasers.sum_gaps * purchasers.sum_gaps, 0
                ) / cast(purchasers.count_gaps * (purchasers.count_gaps - 1) as double precision)
            )
    end as std_days_between_orders,
    purchasers.largest_gap as max_days_between_orders,
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
left join cancellations on purchasers.customer_key = cancellations.customer_key
left join order_attributes on purchasers.customer_key = order_attributes.customer_key
left join first_days on purchasers.customer_key = first_days.customer_key
