-- with (security_barrier = true)
-- bi.operations_run: every attempt of the last ninety days.
select
    ledger.business_date,
    ledger.dag_id,
    ledger.task_id,
    ledger.stage,
    ledger.dataset,
    ledger.slice_key,
    ledger.try_number,
    ledger.state,
    ledger.started_at,
    ledger.ended_at,
    extract(epoch from coalesce(ledger.ended_at, current_timestamp) - ledger.started_at) as duration_s,
    (
        select cast(sum(cast(written.value as numeric)) as bigint)
        from jsonb_each_text(ledger.counts) as written
        where written.value ~ '^[0-9]+$'
    ) as rows_written,
    ledger.message
from ops.run_ledger as ledger
where ledger.started_at >= current_timestamp - interval '90 days'
