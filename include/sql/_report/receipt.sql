-- What one request removed or exported, without the person.
select
    request_id,
    kind,
    requested_at,
    completed_at,
    rows_by_store,
    recipients,
    verification
from privacy.receipt
where request_id = :request_id
