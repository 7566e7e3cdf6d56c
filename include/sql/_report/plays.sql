-- Customers per play: the audience, its control group and those left out.
select
    play,
    count(*) filter (where state = 'selected') as audience,
    count(*) filter (where state = 'control') as control_group,
    count(*) filter (where state = 'excluded') as excluded
from campaigns.decision
where as_of_date = :as_of_date
group by play
order by play
