-- The newest push, where some of it waits for somebody's approval; read from the marketing database.
select
    'the push of ' || newest.business_date || ' waits for approval: ' || newest.rows_withheld || ' changes are held back' as what,
    newest.pushed_at as since,
    'retention audience diff and approve --date ' || newest.business_date as advice
from (select * from marketing.audience_sync order by sync_id desc limit 1) as newest
where newest.state = 'needs_approval'
