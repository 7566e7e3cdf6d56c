-- What promotional plays have used of the month before the day, and what of the day's was taken back, by play, minor units: what was
-- handed out, at the expected cost of a contact as that day's allocation had it (touch, and offer as far as it was expected to be used).
with

handed_out as (
    select
        play,
        as_of_date,
        count(*) as contacts,
        count(*) filter (where removed_on is not null) as taken_back,
        sum(cost_minor) as touches_minor
    from campaigns.delivery
    where
        kind = 'promotional'
        and as_of_date >= :month_start
        and as_of_date <= :as_of_date
    group by play, as_of_date
),

costed as (
    select
        handed_out.play,
        handed_out.as_of_date,
        handed_out.contacts,
        handed_out.taken_back,
        coalesce(allocated.cost_minor / nullif(allocated.chosen, 0), handed_out.touches_minor / handed_out.contacts)
            as contact_minor
    from handed_out
    left join campaigns.allocation_play as allocated
        on handed_out.play = allocated.play and handed_out.as_of_date = allocated.as_of_date
)

select
    play,
    cast(coalesce(sum(contacts * contact_minor) filter (where as_of_date < :as_of_date), 0) as double precision) as cost_minor,
    cast(coalesce(sum(taken_back * contact_minor) filter (where as_of_date = :as_of_date), 0) as double precision) as today_minor
from costed
group by play
