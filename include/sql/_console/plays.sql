-- Every play of the newest plan, with the plan before it.
with

dates as (
    select distinct slice_key::date as as_of_date
    from ops.published
    where table_name = 'campaigns.play_run'
    order by as_of_date desc
    limit 2
)

select
    run.as_of_date,
    run.as_of_date = (select max(newest.as_of_date) from dates as newest) as is_newest,
    run.play,
    run.population,
    run.not_in_audience,
    run.excluded,
    run.control,
    run.selected
from dates
inner join campaigns.play_run as run on dates.as_of_date = run.as_of_date
order by run.as_of_date desc, run.play asc
