-- What plays are called, by their newest definition.
select distinct on (play)
    play,
    name_en,
    name_zh,
    kind,
    purpose,
    priority,
    period,
    holdout_share,
    registered_at
from campaigns.play
order by play asc, registered_at desc
