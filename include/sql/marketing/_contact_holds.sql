-- Whom a complaint protects from promotion at :now, asked of the warehouse: one row per person, since when and until when; null while a
-- case is open. A case is what whoever heard of it last says: the day's core, or the clock, which asks the service desk every few minutes.
-- Rest ends with the day on which the plan lets the person in again.
with

resting as (
    select
        cast(
            cast(cast(:now as timestamptz) at time zone :business_timezone as date) - cast(:complaint_hold_days as integer) as timestamp
        ) at time zone :business_timezone as resolved_after
),

protecting as (
    select clock.complaint_key
    from ops.complaint_clock as clock
    cross join resting
    where clock.deleted_at is null and (clock.resolved_at is null or clock.resolved_at >= resting.resolved_after)
    union
    select complaint.complaint_key
    from core.complaint
    cross join resting
    where
        complaint.valid_to is null
        and complaint.deleted_at is null
        and (complaint.resolved_at is null or complaint.resolved_at >= resting.resolved_after)
),

told as (
    select
        clock.complaint_key,
        clock.customer_key,
        clock.opened_at,
        clock.resolved_at,
        clock.deleted_at,
        clock.updated_at as told_at
    from ops.complaint_clock as clock
    where clock.complaint_key in (select protecting.complaint_key from protecting)
    union all
    select
        complaint.complaint_key,
        complaint.customer_key,
        complaint.opened_at,
        complaint.resolved_at,
        complaint.deleted_at,
        complaint.version_at as told_at
    from core.complaint
    where complaint.valid_to is null and complaint.complaint_key in (select protecting.complaint_key from protecting)
),

-- Of two that were told at one time, the one that protects longer.
cases as (
    select distinct on (complaint_key) *
    from told
    order by complaint_key asc, told_at desc, deleted_at asc nulls first, resolved_at desc nulls first
)

select
    coalesce(alias.customer_key, cases.customer_key) as customer_key,
    min(cases.opened_at) as since,
    case
        when bool_or(cases.resolved_at is null) then null
        else cast(
            cast(max(cases.resolved_at) at time zone :business_timezone as date) + cast(:complaint_hold_days as integer) + 1 as timestamp
        ) at time zone :business_timezone
    end as rests_until
from cases
cross join resting
left join core.customer_alias as alias on cases.customer_key = alias.source_customer_key
where
    cases.customer_key is not null
    and cases.deleted_at is null
    and (cases.resolved_at is null or cases.resolved_at >= resting.resolved_after)
group by 1
order by 1
