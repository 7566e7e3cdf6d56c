-- bi.audience_cost: what each play's contacts of the day cost. Play by play, so that the index finds the day.
select
    :as_of_date::date as as_of_date,
    plays.play,
    delivered.channel,
    count(*) as contacts,
    coalesce(sum(delivered.cost_minor), 0)::bigint as cost_minor,
    coalesce(sum(coalesce(delivered.expected_cost_minor, delivered.cost_minor)), 0)::double precision as expected_cost_minor
from (select distinct play from campaigns.play) as plays
inner join campaigns.delivery as delivered
    on plays.play = delivered.play and delivered.as_of_date = :as_of_date
group by plays.play, delivered.channel
