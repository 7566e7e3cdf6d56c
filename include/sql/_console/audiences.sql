-- Every audience in the marketing database, as of the newest measurement.
select
    play,
    members,
    sendable_members,
    added,
    updated,
    removed,
    audience_date,
    days_behind
from bi.audience
