-- How many times its usual time each task took for the newest business day. Short tasks are not looked at.
with

took as (
    select
        dag_id,
        task_id,
        dataset,
        business_date,
        max(extract(epoch from ended_at - started_at))::double precision as seconds
    from ops.run_ledger
    where
        state = 'published'
        and business_date > cast(:business_date as date) - cast(:comparison_days as integer) - 7
        and business_date <= :business_date
        and dag_id <> 'cli'
    group by dag_id, task_id, dataset, business_date
),

newest as (
    select distinct on (dag_id, task_id, dataset) *
    from took
    where business_date > cast(:business_date as date) - 7
    order by dag_id asc, task_id asc, dataset asc, business_date desc
),

usual as (
    select
        newest.dag_id,
        newest.task_id,
        newest.dataset,
        count(*) as days,
        percentile_cont(0.5) within group (order by took.seconds) as seconds
    from newest
    inner join took
        on
            newest.dag_id = took.dag_id and newest.task_id = took.task_id and newest.dataset = took.dataset
            and took.business_date < newest.business_date
    group by newest.dag_id, newest.task_id, newest.dataset
)

select
    newest.dag_id || '.' || newest.task_id || ' (' || newest.dataset || ')' as subject,
    case
        when coalesce(usual.days, 0) < :comparison_least_days then null
        when newest.seconds <= cast(:task_floor_seconds as double precision) then 1
        else newest.seconds / greatest(usual.seconds, 0.001)
    end as value,
    cast(:task_growth as double precision) as objective,
    jsonb_build_object('seconds', round(newest.seconds), 'usual', round(usual.seconds::numeric)) as parts
from newest
left join usual
    on newest.dag_id = usual.dag_id and newest.task_id = usual.task_id and newest.dataset = usual.dataset
