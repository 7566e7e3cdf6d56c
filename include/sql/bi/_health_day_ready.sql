-- Hours for which each stage has owed the oldest business day that it has not published; 0 when it is up to date.
with

stages as (
    select *
    from (
        values
        ('core', 'core'), ('features', 'features'), ('scores', 'scores'), ('segments', 'segments'),
        ('plan', 'campaigns'), ('audience', 'audience'), ('measurement', 'bi')
    ) as listed (stage, dataset)
),

newest as (
    select
        dataset,
        max(business_date) as business_date
    from ops.run_ledger
    where state in ('published', 'no_data') and dataset in (select stages.dataset from stages)
    group by dataset
)

select
    stages.stage as subject,
    case
        when newest.business_date >= cast(:expected_date as date) then 0
        else
            extract(epoch from cast(:now as timestamptz) - (newest.business_date + 2)::timestamp at time zone :time_zone) / 3600
    end::double precision as value,
    cast(:day_ready_hours as double precision) as objective,
    jsonb_build_object('newest', newest.business_date, 'expected', cast(:expected_date as date)) as parts
from stages
inner join newest on stages.dataset = newest.dataset
where cast(:expected_date as date) is not null
