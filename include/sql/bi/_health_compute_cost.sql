-- What the tasks of the newest business day cost together, minor units.
select
    'all tasks' as subject,
    sum(extract(epoch from ended_at - started_at))::double precision / 3600 * :compute_minor_per_hour as value,
    nullif(cast(:compute_budget_minor as double precision), 0) as objective,
    jsonb_build_object('hours', round((sum(extract(epoch from ended_at - started_at)) / 3600)::numeric, 2)) as parts
from ops.run_ledger
where business_date = :business_date and ended_at is not null and cast(:compute_minor_per_hour as double precision) > 0
having count(*) > 0
