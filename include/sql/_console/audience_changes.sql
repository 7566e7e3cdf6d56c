-- How one audience changed with the pushes of its last thirty measured days.
select
    as_of_date,
    members,
    added,
    updated,
    removed
from bi.audience_health
where campaign = :play and as_of_date > cast(:as_of_date as date) - 60
order by as_of_date desc
limit 30
