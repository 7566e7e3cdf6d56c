-- How many customers somebody has looked at within the hour.
select count(*) as looks
from ops.audit
where action = 'console_customer' and actor = :actor and happened_at > clock_timestamp() - interval '1 hour'
