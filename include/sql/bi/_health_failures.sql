-- Attempts of each task that failed or died within 24 hours.
select
    dag_id || '.' || task_id as subject,
    (count(*) filter (where state in ('failed', 'abandoned')))::double precision as value,
    cast(:failed_attempts as double precision) as objective,
    jsonb_build_object('attempts', count(*)) as parts
from ops.run_ledger
where started_at > cast(:now as timestamptz) - interval '24 hours' and started_at <= cast(:now as timestamptz)
group by dag_id, task_id
