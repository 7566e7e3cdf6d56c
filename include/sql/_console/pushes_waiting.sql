-- What the newest push held back and no later push has settled.
with

newest as (
    select max(token) as token
    from campaigns.guard_stop
)

select
    stop.*
from newest
inner join campaigns.guard_stop as stop on newest.token = stop.token
where not exists (
    select 1
    from campaigns.push_receipt as later
    where later.token > newest.token
)
order by stop.play, stop.measure
