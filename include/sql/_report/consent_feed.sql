-- When each consent feed last wrote everything it knew.
select
    feed,
    heartbeat_at
from marketing.consent_feed
order by feed
