-- What the allocation made of one play's contenders, day by day.
select
    as_of_date,
    contenders,
    chosen,
    beaten,
    over_budget,
    channel_full,
    do_not_disturb,
    not_worth_its_cost,
    value_minor,
    cost_minor
from bi.play_allocation
where play = :play and as_of_date > cast(:as_of_date as date) - 35
order by as_of_date desc
limit 30
