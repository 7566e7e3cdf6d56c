-- Why customers complained in the newest whole week reviewed, or the running one where none is whole yet; small groups hidden.
with

chosen as (
    select week_start
    from bi.complaint_cause
    group by week_start
    order by bool_and(is_complete) desc, week_start desc
    limit 1
)

select
    cause.week_start,
    cause.is_complete,
    cause.dimension,
    cause.member,
    cause.root_cause,
    cause.complaints,
    cause.complaints_before,
    cause.severe,
    cause.late,
    cause.median_hours_to_resolve,
    cause.compensation_minor,
    cause.is_suppressed
from chosen
inner join bi.complaint_cause as cause on chosen.week_start = cause.week_start
order by cause.dimension, cause.complaints desc nulls last, cause.member, cause.root_cause
limit 500
