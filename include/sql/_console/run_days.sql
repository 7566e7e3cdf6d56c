-- How long each part of each business day took, over the last fourteen business days that ran.
with

recent as (
    select
        case when ledger.dag_id = 'cli' then ledger.stage else ledger.dag_id end as part,
        ledger.business_date,
        ledger.state,
        ledger.try_number,
        ledger.started_at,
        ledger.ended_at
    from ops.run_ledger as ledger
    where
        ledger.started_at > clock_timestamp() - interval '40 days'
        and ledger.dag_id not in ('retention_consent', 'retention_complaint_clock', 'retention_privacy')
),

days as (
    select distinct business_date
    from recent
    order by business_date desc
    limit 14
)

select
    recent.part,
    recent.business_date,
    extract(epoch from sum(recent.ended_at - recent.started_at))::float8 as seconds,
    max(recent.try_number) as tries,
    (array_agg(recent.state order by recent.started_at desc))[1] as state
from recent
inner join days on recent.business_date = days.business_date
group by recent.part, recent.business_date
order by recent.part, recent.business_date
