-- The signed, dated entries of the touched orders, derived from all delivered states of each order and of its lines.
-- Each thing that changes on an order (amounts, void or not, refunds, returns, the rate) is a list of dated steps. At every step
-- the order is worth what all steps so far say, or nothing while it is void; an entry is what a step changed about that.
-- Nothing here depends on the order of arrival, and what happens later only ever adds entries.
-- Almost every order has one state, paid, and nothing came back since: its only entry is the payment, and nothing of all this is
-- computed for it.
with

returning_orders as (
    select distinct line.order_key
    from core.order_line as line
    inner join pg_temp.touched_order as touched on line.order_key = touched.order_key
    where line.returned_quantity > 0
    union
    select distinct line.order_key
    from core.order_line_version as line
    inner join pg_temp.touched_order as touched on line.order_key = touched.order_key
    where line.returned_quantity > 0
),

touched_orders as (
    select
        version.order_key,
        count(*) = 1
        and bool_and(
            version.paid_at is not null
            and version.cancelled_at is null
            and version.refund_original = 0
            and version.currency = :base_currency
        )
        and version.order_key not in (select returning_orders.order_key from returning_orders) as is_plain
    from core.order_version as version
    inner join pg_temp.touched_order as touched on version.order_key = touched.order_key
    group by version.order_key
),

versions as (
    select
        version.*,
        lead(version.version_at) over by_time as next_at,
        coalesce(
            bool_or(version.deleted_at is null) over (
                partition by version.order_key order by version.version_at rows between 1 following and unbounded following
            ), false
        ) as lives_again
    from core.order_version as version
    inner join touched_orders as touched on version.order_key = touched.order_key and not touched.is_plain
    window by_time as (partition by version.order_key order by version.version_at)
),

-- A corrected rate makes a state of its own: the same amounts, worth something else from then on.
rated as (
    select
        versions.order_key,
        versions.paid_at,
        versions.cancelled_at,
        versions.refunded_at,
        versions.gross_original as gross,
        versions.discount_original as discount,
        versions.refund_original as refund,
        case when versions.currency = :base_currency then 1 else fx.rate end as rate,
        greatest(versions.version_at, fx.known_from) as state_at,
        -- An order that is deleted and stays so is left out by its deleted_at; one that came back was void in between.
        case when versions.lives_again then versions.deleted_at end as gone_at,
        min(greatest(versions.version_at, fx.known_from)) filter (where versions.paid_at is not null)
            over (partition by versions.order_key) as first_paid_state_at
    from versions
    left join pg_temp.rate as fx
        on
            versions.currency = fx.currency
            and least((versions.ordered_at at time zone :business_timezone)::date, :as_of_date) = fx.day
            and fx.known_to > versions.version_at
            and fx.known_from < coalesce(versions.next_at, 'infinity')
),

states as (
    select
        order_key,
        first_value(paid_at) over by_time as first_paid_at,
        row_number() over by_time as state_number,
        state_at,
        refunded_at,
        gross,
        discount,
        refund,
        rate,
        lag(gross, 1, 0) over by_time as previous_gross,
        lag(discount, 1, 0) over by_time as previous_discount,
        lag(refund, 1, 0) over by_time as previous_refund,
        lag(rate, 1, 0) over by_time as previous_rate,
        coalesce(cancelled_at, gone_at, case when paid_at is null then state_at end) as void_at,
        lag(coalesce(cancelled_at, gone_at, case when paid_at is null then state_at end)) over by_time as previous_void_at
    from rated
    where state_at >= first_paid_state_at
    window by_time as (partition by order_key order by state_at)
),

-- The ranks order what happens at one instant: a payment before anything else, and a cancellation before money back.
amount_steps as (
    select
        order_key,
        case when state_number = 1 then first_paid_at else greatest(state_at, first_paid_at) end as happened_at,
        case when state_number = 1 then 0 else 2 end as step_rank,
        gross - previous_gross as gross,
        discount - previous_discount as discount,
        rate - previous_rate as rate,
        0 as void,
        0::numeric as refund,
        0::numeric as returned
    from states
    where state_number = 1 or (gross, discount, rate) is distinct from (previous_gross, previous_discount, previous_rate)
),

void_steps as (
    select
        order_key,
        case
            when void_at is not null then greatest(void_at, first_paid_at)
            else greatest(state_at, previous_void_at, first_paid_at)
        end as happened_at,
        case when void_at is not null then 1 else 2 end as step_rank,
        0::numeric as gross,
        0::numeric as discount,
        0::numeric as rate,
        case when void_at is not null then 1 else -1 end as void,
        0::numeric as refund,
        0::numeric as returned
    from states
    where (void_at is null) <> (previous_void_at is null)
),

-- Money taken back again is a correction on the day the source made it.
refund_steps as (
    select
        order_key,
        greatest(
            case when refund > previous_refund then coalesce(refunded_at, state_at) else state_at end, first_paid_at
        ) as happened_at,
        case when refund > previous_refund then 4 else 2 end as step_rank,
        0::numeric as gross,
        0::numeric as discount,
        0::numeric as rate,
        0 as void,
        refund - previous_refund as refund,
        0::numeric as returned
    from states
    where refund <> previous_refund
),

line_states as (
    select
        line.order_key,
        line.line_number,
        line.updated_at,
        line.deleted_at,
        line.returned_at,
        line.returned_quantity,
        line.quantity * line.unit_price_original - line.discount_original as net,
        line.quantity,
        true as is_latest
    from core.order_line as line
    inner join returning_orders on line.order_key = returning_orders.order_key

    union all

    select
        line.order_key,
        line.line_number,
        line.updated_at,
        line.deleted_at,
        line.returned_at,
        line.returned_quantity,
        line.quantity * line.unit_price_original - line.discount_original as net,
        line.quantity,
        false as is_latest
    from core.order_line_version as line
    inner join returning_orders on line.order_key = returning_orders.order_key
),

line_totals as (
    select
        order_key,
        sum(net) as net
    from line_states
    where is_latest and deleted_at is null
    group by order_key
),

line_returns as (
    select
        order_key,
        updated_at,
        deleted_at,
        returned_at,
        returned_quantity > lag(returned_quantity, 1, 0) over by_time as is_more,
        returned_net,
        lag(returned_net, 1, 0) over by_time as previous_returned_net
    from (
        select
            line_states.*,
            case
                when deleted_at is null then coalesce(net * least(returned_quantity, quantity) / nullif(quantity, 0), 0)
                else 0
            end as returned_net
        from line_states
    ) as lines
    window by_time as (partition by order_key, line_number order by updated_at)
),

return_steps as (
    select
        line_returns.order_key,
        greatest(
            case
                when line_returns.deleted_at is not null then line_returns.deleted_at
                when line_returns.is_more then coalesce(line_returns.returned_at, line_returns.updated_at)
                else line_returns.updated_at
            end, paid.first_paid_at
        ) as happened_at,
        case when line_returns.is_more and line_returns.returned_net > line_returns.previous_returned_net then 3 else 2 end as step_rank,
        0::numeric as gross,
        0::numeric as discount,
        0::numeric as rate,
        0 as void,
        0::numeric as refund,
        line_returns.returned_net - line_returns.previous_returned_net as returned
    from line_returns
    inner join states as paid on line_returns.order_key = paid.order_key and paid.state_number = 1
    where line_returns.returned_net <> line_returns.previous_returned_net
),

steps as (
    select
        order_key,
        happened_at,
        step_rank,
        sum(gross) as gross,
        sum(discount) as discount,
        sum(rate) as rate,
        sum(void) as void,
        sum(refund) as refund,
        sum(returned) as returned
    from (
        select * from amount_steps
        union all
        select * from void_steps
        union all
        select * from refund_steps
        union all
        select * from return_steps
    ) as single
    group by order_key, happened_at, step_rank
),

so_far as (
    select
        steps.order_key,
        steps.happened_at,
        steps.step_rank,
        sum(steps.gross) over so_far as gross,
        sum(steps.gross) over so_far - sum(steps.discount) over so_far as net,
        sum(steps.rate) over so_far * :minor_factor as minor_rate,
        sum(steps.void) over so_far > 0 as is_void,
        sum(steps.refund) over so_far as refund,
        sum(steps.returned) over so_far as returned,
        line_totals.net as lines_net
    from steps
    left join line_totals on steps.order_key = line_totals.order_key
    window so_far as (partition by steps.order_key order by steps.happened_at, steps.step_rank)
),

-- Money back comes twice where a return is followed by its refund: the greater of both counts. Returned goods are worth at most
-- what was paid for them: a discount on the whole order is taken off each line in proportion.
worth as (
    select
        order_key,
        happened_at,
        step_rank,
        case when is_void then 0 else 1 end as order_count,
        case
            when is_void then 0
            else round(gross * minor_rate) - round(
                greatest(refund, case when lines_net > net then returned * net / lines_net else returned end) * minor_rate
            )
        end as gross_minor,
        case
            when is_void then 0
            else round(net * minor_rate) - round(
                greatest(refund, case when lines_net > net then returned * net / lines_net else returned end) * minor_rate
            )
        end as net_minor
    from so_far
),

changes as (
    select
        order_key,
        happened_at,
        step_rank,
        case step_rank when 0 then 'paid' when 1 then 'cancelled' when 2 then 'corrected' when 3 then 'returned' else 'refunded' end as kind,
        order_count - lag(order_count, 1, 0) over by_time as order_count,
        (gross_minor - lag(gross_minor, 1, 0::numeric) over by_time)::bigint as gross_minor,
        (net_minor - lag(net_minor, 1, 0::numeric) over by_time)::bigint as net_minor
    from worth
    window by_time as (partition by order_key order by happened_at, step_rank)
),

entries as (
    select
        order_key,
        kind,
        row_number() over (partition by order_key, kind order by happened_at, step_rank)::integer as sequence,
        happened_at,
        order_count,
        gross_minor,
        net_minor
    from changes
    where kind = 'paid' or order_count <> 0 or gross_minor <> 0 or net_minor <> 0

    union all

    select
        version.order_key,
        'paid' as kind,
        1 as sequence,
        version.paid_at as happened_at,
        1 as order_count,
        round(version.gross_original * :minor_factor)::bigint as gross_minor,
        round((version.gross_original - version.discount_original) * :minor_factor)::bigint as net_minor
    from core.order_version as version
    inner join touched_orders as touched on version.order_key = touched.order_key and touched.is_plain
)

select
    entries.order_key,
    entries.kind,
    entries.sequence,
    header.customer_key,
    entries.happened_at,
    entries.order_count,
    entries.gross_minor,
    entries.gross_minor - entries.net_minor as discount_minor,
    entries.net_minor,
    null::integer as order_number,
    null::numeric as days_since_previous_order,
    null::timestamptz as previous_paid_at,
    header.source,
    header.batch_id,
    header.updated_at,
    header.deleted_at,
    header.is_simulated
from entries
inner join core.order_header as header on entries.order_key = header.order_key
