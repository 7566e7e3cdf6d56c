-- What promotional plays have used of the month before the day, and what of the day's went to customers who are no contenders any more
-- (taken back, or about to be), by play, minor units: what was handed out, at the expected cost with which it was decided (touch, and
-- offer as far as it was expected to be used).
with

handed_out as (
    select
        delivery.play,
        coalesce(delivery.expected_cost_minor, delivery.cost_minor) as cost_minor,
        delivery.as_of_date < :as_of_date as is_before,
        delivery.as_of_date = :as_of_date and contender.send_key is null as is_taken_back
    from campaigns.delivery
    left join campaigns.contender as contender
        on contender.as_of_date = :as_of_date
        and contender.verdict = 'chosen'
        and delivery.as_of_date = :as_of_date
        and delivery.send_key = contender.send_key
    where
        delivery.kind = 'promotional'
        and delivery.as_of_date >= :month_start
        and delivery.as_of_date <= :as_of_date
)

select
    play,
    cast(coalesce(sum(cost_minor) filter (where is_before), 0) as double precision) as cost_minor,
    cast(coalesce(sum(cost_minor) filter (where is_taken_back), 0) as double precision) as today_minor,
    count(*) filter (where is_taken_back) as today_contacts
from handed_out
group by play
