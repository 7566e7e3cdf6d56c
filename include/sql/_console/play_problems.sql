-- What the last plan found wrong in play files.
select
    count(*) as problems,
    max(verdict.checked_at) as since
from ops.check_result as verdict
where
    verdict.table_name = 'campaigns.play'
    and not verdict.passed
    and verdict.business_date >= (
        select max(led.business_date) from ops.run_ledger as led where led.dataset = 'campaigns' and led.state = 'published'
    )
    and verdict.checked_at >= (select max(led.started_at) from ops.run_ledger as led where led.dataset = 'campaigns')
