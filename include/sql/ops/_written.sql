-- What one attempt of a task has written, by dataset: the newest entries first, of the last two days.
select
    dataset,
    state,
    extract(epoch from coalesce(ended_at, clock_timestamp()) - started_at)::float8 as seconds,
    coalesce(counts, '{}'::jsonb) as counts
from ops.run_ledger
where
    started_at > clock_timestamp() - interval '2 days'
    and dag_id = :dag_id
    and run_id = :run_id
    and task_id = :task_id
    and try_number = :try_number
order by ledger_id
