-- with (security_barrier = true)
-- bi.complaint_cause: the newest review of complaints by cause, small groups hidden, with one more where a hidden one could be computed.
with

newest as (
    select max(cause.as_of_date) as as_of_date
    from bi.complaint_root_cause as cause
),

least_size as (
    select
        coalesce(
            (select cast(setting.value as integer) from bi.setting as setting where setting.name = 'suppressed_group_size'), 10
        ) as rows_needed
),

sized as (
    select
        cause.*,
        least_size.rows_needed,
        cause.complaints < least_size.rows_needed as is_small
    from bi.complaint_root_cause as cause
    inner join newest on cause.as_of_date = newest.as_of_date
    cross join least_size
),

ranked as (
    select
        sized.*,
        count(*) filter (where sized.is_small and sized.root_cause <> 'all') over siblings as count_small,
        row_number() over (
            partition by sized.week_start, sized.dimension, sized.member
            order by sized.root_cause = 'all', sized.is_small, sized.complaints, sized.root_cause
        ) as place
    from sized
    window siblings as (partition by sized.week_start, sized.dimension, sized.member)
),

shown as (
    select
        ranked.*,
        ranked.is_small or (ranked.count_small = 1 and ranked.place = 1) as is_suppressed
    from ranked
)

select
    shown.week_start,
    shown.is_complete,
    shown.dimension,
    shown.member,
    shown.root_cause,
    case when not shown.is_suppressed then shown.complaints end as complaints,
    case when not shown.is_suppressed and shown.complaints_before >= shown.rows_needed then shown.complaints_before end
        as complaints_before,
    case when not shown.is_suppressed then shown.severe end as severe,
    case when not shown.is_suppressed then shown.late end as late,
    case when not shown.is_suppressed then shown.median_hours_to_resolve end as median_hours_to_resolve,
    case when not shown.is_suppressed then shown.compensation_minor end as compensation_minor,
    shown.is_suppressed
from shown
