-- The last attempts to write, newest first.
select
    started_at,
    business_date,
    stage,
    dag_id,
    try_number,
    state,
    extract(epoch from ended_at - started_at)::float8 as seconds
from ops.run_ledger
order by started_at desc, ledger_id desc
limit :row_limit
