-- How one play's population split, over its last thirty plans.
select
    as_of_date,
    population,
    not_in_audience,
    excluded,
    control,
    selected
from campaigns.play_run
where play = :play and as_of_date > cast(:as_of_date as date) - 60
order by as_of_date desc
limit 30
