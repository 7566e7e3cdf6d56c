-- From the hand-out to the purchase, by month: of one play, or of all plays in the newest month.
select
    play,
    month,
    held_back,
    handed_out,
    sent,
    delivered,
    opened,
    clicked,
    converted,
    bought,
    unsubscribed,
    cost_minor
from bi.funnel
where case
    when cast(:play as text) is null then month = date_trunc('month', cast(:as_of_date as date) - 1)::date
    else play = :play and month > cast(:as_of_date as date) - interval '13 months'
end
order by play, month
