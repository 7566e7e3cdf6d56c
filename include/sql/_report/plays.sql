-- Customers per play: the audience, its control group and those left out.
select
    play,
    selected as audience,
    control as control_group,
    excluded,
    population
from campaigns.play_run
where as_of_date = :as_of_date
order by play
