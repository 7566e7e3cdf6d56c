-- Hours since the last attempt to write a dataset failed, where none has succeeded after it; 0 where the last one was well.
select
    dataset as subject,
    case
        when state in ('failed', 'abandoned') then extract(epoch from cast(:now as timestamptz) - started_at) / 3600
        else 0
    end::double precision as value,
    cast(:unfinished_hours as double precision) as objective,
    jsonb_build_object('task', dag_id || '.' || task_id, 'slice', slice_key) as parts
from (
    select distinct on (dataset)
        dataset,
        state,
        started_at,
        dag_id,
        task_id,
        slice_key
    from ops.run_ledger
    where
        started_at > cast(:now as timestamptz) - interval '7 days'
        and started_at <= cast(:now as timestamptz)
        and state not in ('running', 'fenced')
    order by dataset asc, started_at desc, ledger_id desc
) as last
