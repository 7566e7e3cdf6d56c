-- What plays have used, by play and channel: of the month before the day, and of the day itself by customers who are no contenders any
-- more (taken back, or about to be). Money is that of promotion, minor units: what was handed out, at the expected cost with which it was
-- decided (touch, and offer as far as it was expected to be used). Contacts are those of every kind.
with

handed_out as (
    select
        delivery.play,
        delivery.kind,
        delivery.channel,
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
        delivery.as_of_date <= :as_of_date
        and (delivery.as_of_date = :as_of_date or (delivery.as_of_date >= :month_start and delivery.kind = 'promotional'))
)

select
    play,
    kind = 'promotional' as is_promotional,
    channel,
    cast(coalesce(sum(cost_minor) filter (where is_before and kind = 'promotional'), 0) as double precision) as cost_minor,
    cast(coalesce(sum(cost_minor) filter (where is_taken_back and kind = 'promotional'), 0) as double precision) as today_minor,
    count(*) filter (where is_taken_back) as today_contacts
from handed_out
group by play, kind, channel
