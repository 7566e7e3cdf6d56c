-- What waits for somebody: dead and failed attempts, half-way batches, stale slices, refused rows, open requests, wrong play files.
select
    'attempt ' || led.dag_id || '.' || led.task_id || ' on ' || led.dataset || ' ' || led.slice_key || ' died' as what,
    led.started_at as since,
    'run it again: the next attempt takes over' as advice
from ops.run_ledger as led
left join ops.lease as held
    on
        led.dataset = held.dataset
        and led.slice_key = held.slice_key
        and led.token = held.token
where
    led.state = 'running'
    and (held.token is null or held.expires_at < clock_timestamp())

union all

-- What failed and was not made good since: the last attempt counts, whichever day it was for.
select
    last.task_id || ' for ' || last.slice_key || ' failed' || coalesce(': ' || split_part(last.message, '. ', 1), '') as what,
    last.started_at as since,
    'do what the message says, then run the day again' as advice
from (
    select distinct on (dataset) dataset, task_id, slice_key, state, message, started_at
    from ops.run_ledger
    order by dataset, started_at desc, ledger_id desc
) as last
where last.state = 'failed'

union all

select
    'batch ' || batch_id || ' of ' || source || '.' || entity || ' for ' || business_date
    || ' is still ' || state as what,
    created_at as since,
    'run the day again: landing replaces it' as advice
from ops.batch
where
    state in ('extracting', 'landed', 'validated')
    and created_at < clock_timestamp() - interval '2 hours'

union all

select
    table_name || ' of ' || slice_key || ' was built before an earlier day changed' as what,
    published_at as since,
    'run business day ' || (slice_key::date - 1) || ' again to follow' as advice
from ops.published
where is_stale and slice_key <> '*'

union all

select
    count(*) || ' refused rows of ' || count(distinct source || '.' || entity) || ' entities wait in quarantine' as what,
    min(created_at) as since,
    'retention quarantine list' as advice
from quarantine."row"
where state in ('open', 'fixed')
having count(*) > 0

union all

select
    'request ' || request_id || ' (' || kind || ') is ' || state as what,
    requested_at as since,
    'retention privacy run' as advice
from privacy.request
where state <> 'done'

union all

-- What the last plan found.
select
    verdict.expected as what,
    verdict.checked_at as since,
    'repair the file; retention play check' as advice
from ops.check_result as verdict
where
    verdict.table_name = 'campaigns.play'
    and not verdict.passed
    and verdict.checked_at >= (select max(led.started_at) from ops.run_ledger as led where led.dataset = 'campaigns')

order by since
