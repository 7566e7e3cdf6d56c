-- Hours since each consent feed last wrote everything it knew (marketing database).
select
    feed as subject,
    extract(epoch from cast(:now as timestamptz) - heartbeat_at)::double precision / 3600 as value,
    cast(:feed_hours as double precision) as objective,
    '{}'::jsonb as parts
from marketing.consent_feed
