-- Requests of customers about their own data, newest first.
select
    request_id,
    kind,
    state,
    requested_by,
    requested_at,
    closed_at
from privacy.request
order by requested_at desc
limit :row_limit
