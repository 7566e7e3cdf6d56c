-- core.order_entry: the signed, dated entries of the touched orders, derived from all delivered states of each order.
-- Nothing here depends on the order of arrival, and what happens later only ever adds entries.
with

versions as (
    select
        version.*,
        row_number() over by_time as state_number,
        lag(version.gross_minor) over by_time as previous_gross_minor,
        lag(version.discount_minor) over by_time as previous_discount_minor,
        lag(version.net_minor) over by_time as previous_net_minor
    from core.order_version as version
    inner join pg_temp.touched_order as touched on version.order_key = touched.order_key
    where version.paid_at is not null
    window by_time as (partition by version.order_key order by version.version_at)
),

paid as (
    select
        order_key,
        'paid' as kind,
        paid_at as happened_at,
        gross_minor,
        discount_minor,
        net_minor
    from versions
    where state_number = 1
),

-- A changed amount is booked on the day the source changed it.
corrected as (
    select
        order_key,
        'corrected' as kind,
        greatest(version_at, paid_at) as happened_at,
        gross_minor - previous_gross_minor as gross_minor,
        discount_minor - previous_discount_minor as discount_minor,
        net_minor - previous_net_minor as net_minor
    from versions
    where
        state_number > 1
        and (gross_minor, discount_minor) is distinct from (previous_gross_minor, previous_discount_minor)
),

cancellations as (
    select distinct on (order_key)
        order_key,
        greatest(cancelled_at, paid_at) as cancelled_at,
        version_at
    from versions
    where cancelled_at is not null
    order by order_key, version_at
),

reinstatements as (
    select distinct on (versions.order_key)
        versions.order_key,
        greatest(versions.version_at, cancellations.cancelled_at) as reinstated_at
    from versions
    inner join cancellations on versions.order_key = cancellations.order_key
    where versions.cancelled_at is null and versions.version_at > cancellations.version_at
    order by versions.order_key, versions.version_at
),

-- Money back comes twice where a return is followed by its refund: what counts at any time is the greater of what was
-- refunded and what the returned goods were worth, so that neither is counted on top of the other.
money_back_events as (
    select
        order_key,
        'refunded' as kind,
        greatest(coalesce(refunded_at, version_at), paid_at) as happened_at,
        refund_minor as refunded_so_far,
        0::bigint as returned_minor
    from versions
    where refund_minor > 0

    union all

    select
        line.order_key,
        'returned' as kind,
        greatest(line.returned_at, paid.happened_at) as happened_at,
        0::bigint as refunded_so_far,
        round(line.net_minor * least(line.returned_quantity / nullif(line.quantity, 0), 1))::bigint as returned_minor
    from core.order_line as line
    inner join paid on line.order_key = paid.order_key
    where line.returned_quantity > 0 and line.returned_at is not null
),

money_back_by_time as (
    select
        order_key,
        kind,
        happened_at,
        max(refunded_so_far) as refunded_so_far,
        sum(returned_minor) as returned_minor
    from money_back_events
    group by order_key, kind, happened_at
),

money_back_totals as (
    select
        order_key,
        kind,
        happened_at,
        greatest(max(refunded_so_far) over so_far, sum(returned_minor) over so_far)::bigint as total_minor
    from money_back_by_time
    window so_far as (partition by order_key order by happened_at, kind desc)
),

money_back as (
    select
        order_key,
        kind,
        happened_at,
        coalesce(lag(total_minor) over (partition by order_key order by happened_at, kind desc), 0) - total_minor as net_minor
    from money_back_totals
),

standing as (
    select
        changes.order_key,
        changes.kind,
        changes.happened_at,
        changes.gross_minor,
        changes.discount_minor,
        changes.net_minor
    from (
        select * from paid
        union all
        select * from corrected
        union all
        select
            order_key,
            kind,
            happened_at,
            net_minor as gross_minor,
            0::bigint as discount_minor,
            net_minor
        from money_back
        where net_minor <> 0
    ) as changes
    left join cancellations on changes.order_key = cancellations.order_key
    left join reinstatements on changes.order_key = reinstatements.order_key
    -- Once cancelled, everything is taken back: what the source books at or after that moment is the same money again.
    where
        changes.kind = 'paid'
        or cancellations.cancelled_at is null
        or changes.happened_at < cancellations.cancelled_at
        or changes.happened_at > reinstatements.reinstated_at
),

before_cancellation as (
    select
        standing.order_key,
        cancellations.cancelled_at,
        sum(standing.gross_minor)::bigint as gross_minor,
        sum(standing.discount_minor)::bigint as discount_minor,
        sum(standing.net_minor)::bigint as net_minor
    from standing
    inner join cancellations on standing.order_key = cancellations.order_key
    where standing.happened_at < cancellations.cancelled_at or standing.kind = 'paid'
    group by standing.order_key, cancellations.cancelled_at
),

entries as (
    select
        order_key,
        kind,
        happened_at,
        case when kind = 'paid' then 1 else 0 end as order_count,
        gross_minor,
        discount_minor,
        net_minor
    from standing

    union all

    select
        order_key,
        'cancelled' as kind,
        cancelled_at as happened_at,
        -1 as order_count,
        -gross_minor as gross_minor,
        -discount_minor as discount_minor,
        -net_minor as net_minor
    from before_cancellation

    union all

    select
        before_cancellation.order_key,
        'corrected' as kind,
        reinstatements.reinstated_at as happened_at,
        1 as order_count,
        before_cancellation.gross_minor,
        before_cancellation.discount_minor,
        before_cancellation.net_minor
    from before_cancellation
    inner join reinstatements on before_cancellation.order_key = reinstatements.order_key
),

-- All paid orders of the people concerned: those derived here and those that stay as they are.
paid_orders as (
    select
        header.customer_key,
        entries.order_key,
        entries.happened_at
    from entries
    inner join core.order_header as header on entries.order_key = header.order_key
    where entries.kind = 'paid' and header.deleted_at is null

    union all

    select
        entry.customer_key,
        entry.order_key,
        entry.happened_at
    from core.order_entry as entry
    where
        entry.kind = 'paid'
        and entry.deleted_at is null
        and entry.order_key not in (select touched.order_key from pg_temp.touched_order as touched)
        and entry.customer_key in (
            select header.customer_key
            from core.order_header as header
            inner join pg_temp.touched_order as touched on header.order_key = touched.order_key
        )
),

rhythm as (
    select
        order_key,
        row_number() over by_time as order_number,
        round(extract(epoch from happened_at - lag(happened_at) over by_time)::numeric / 86400, 6) as days_since_previous_order
    from paid_orders
    window by_time as (partition by customer_key order by happened_at, order_key)
)

select
    entries.order_key,
    entries.kind,
    row_number() over (
        partition by entries.order_key, entries.kind order by entries.happened_at, entries.net_minor
    )::integer as sequence,
    header.customer_key,
    entries.happened_at,
    entries.order_count,
    entries.gross_minor,
    entries.discount_minor,
    entries.net_minor,
    rhythm.order_number::integer as order_number,
    rhythm.days_since_previous_order,
    header.source,
    header.batch_id,
    header.updated_at,
    header.deleted_at,
    header.is_simulated
from entries
inner join core.order_header as header on entries.order_key = header.order_key
left join rhythm on entries.order_key = rhythm.order_key and entries.kind = 'paid'
order by header.customer_key, entries.happened_at
