-- Refused rows without their contents, newest first.
select
    quarantine_id,
    source,
    entity,
    file,
    position,
    business_date,
    column_name,
    rule,
    reason,
    state
from quarantine."row"
where
    (cast(:source as text) is null or source = :source)
    and (cast(:entity as text) is null or entity = :entity)
    and (cast(:business_date as date) is null or business_date = :business_date)
    and (cast(:state as text) = 'all' or state = :state)
order by quarantine_id desc
limit :row_limit
