-- bi.pipeline_run: the run ledger by business day and task.
with

rate as (
    select cast(value as double precision) as minor_per_hour
    from bi.setting
    where name = 'compute_minor_per_hour'
),

attempts as (
    select
        business_date,
        dag_id,
        task_id,
        dataset,
        count(*) as attempts,
        count(*) filter (where state in ('failed', 'abandoned')) as failed_attempts,
        cast(sum(extract(epoch from coalesce(ended_at, started_at) - started_at)) as double precision) as seconds,
        max(ledger_id) as newest
    from ops.run_ledger
    group by business_date, dag_id, task_id, dataset
)

select
    attempts.business_date,
    attempts.dag_id,
    attempts.task_id,
    attempts.dataset,
    last.state,
    attempts.attempts,
    attempts.failed_attempts,
    last.started_at,
    last.ended_at,
    attempts.seconds,
    (
        select cast(sum(cast(written.value as numeric)) as bigint)
        from jsonb_each(last.counts) as written
        where jsonb_typeof(written.value) = 'number' and position('.' in written.key) > 0
    ) as rows_written,
    attempts.seconds / 3600 * nullif(rate.minor_per_hour, 0) as cost_minor
from attempts
inner join ops.run_ledger as last on attempts.newest = last.ledger_id
left join rate on true
