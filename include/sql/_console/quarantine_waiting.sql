-- How many refused rows wait.
select
    count(*) as waiting,
    min(created_at) as since
from quarantine."row"
where state in ('open', 'fixed')
