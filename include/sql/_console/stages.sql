-- The last attempt of each stage: what failed or died stands before what went well, the newest before older ones.
with

recent as (
    select
        case
            when dataset in ('core', 'validation', 'quarantine', 'relink') or dataset like 'landing%' or stage = 'landing' then 'ingest'
            when dataset = 'features' then 'features'
            when dataset = 'scores' then 'score'
            when dataset = 'segments' then 'segment'
            when dataset in ('campaigns', 'audience', 'audience_files') then 'audience'
            when dataset in ('bi', 'complaint_review', 'review', 'feedback', 'health', 'scores.outcome') then 'measure'
            when dataset in ('complaint_clock', 'complaint_stream') then 'complaint_clock'
            when dataset in ('consent', 'consent_stream') then 'consent'
            when dataset = 'privacy' then 'privacy'
            when dataset = 'models' then 'train'
        end as part,
        ledger.*
    from ops.run_ledger as ledger
    where ledger.ledger_id > (select coalesce(max(newest.ledger_id), 0) - 5000 from ops.run_ledger as newest)
),

last_of_dataset as (
    select distinct on (recent.part, recent.dataset)
        recent.part,
        recent.dataset,
        recent.business_date,
        recent.dag_id,
        recent.task_id,
        recent.started_at,
        recent.ended_at,
        recent.message,
        case
            when recent.state = 'running' and (held.token is null or held.expires_at < clock_timestamp()) then 'died'
            when recent.state = 'abandoned' then 'died'
            when recent.state = 'published' then 'done'
            else recent.state
        end as state
    from recent
    left join ops.lease as held
        on recent.dataset = held.dataset and recent.slice_key = held.slice_key and recent.token = held.token
    where recent.part is not null
    order by recent.part, recent.dataset, recent.started_at desc, recent.ledger_id desc
)

select distinct on (part)
    part as stage,
    state,
    business_date,
    dag_id,
    task_id,
    started_at,
    ended_at,
    extract(epoch from ended_at - started_at)::float8 as seconds,
    case when state in ('failed', 'died', 'fenced') then message end as message
from last_of_dataset
order by part asc, state in ('failed', 'died') desc, business_date desc, started_at desc
