-- The worst input of each scored date.
select
    kind,
    as_of_date,
    max(stability_index) as worst,
    case
        when bool_or(level = 'stop') then 'stop' when bool_or(level = 'warn') then 'warn' else 'ok'
    end as level
from ops.score_drift
where as_of_date > cast(:as_of_date as date) - 90
group by kind, as_of_date
order by kind, as_of_date
