-- with (security_barrier = true)
-- bi.allocation: the published days' allocations.
select
    allocation.as_of_date,
    allocation.contenders,
    allocation.chosen,
    allocation.value_minor,
    allocation.cost_minor,
    allocation.value_minor - allocation.cost_minor as net_minor,
    allocation.gap_share,
    allocation.method,
    allocation.top_share,
    allocation.top_budget_share as meant_share,
    allocation.top_cost_minor,
    allocation.rest_cost_minor,
    allocation.top_cost_minor / nullif(allocation.cost_minor, 0) as actual_share,
    sum(allocation.top_cost_minor) over last_days / nullif(sum(allocation.cost_minor) over last_days, 0) as actual_share_30d
from campaigns.allocation as allocation
window last_days as (order by allocation.as_of_date range between interval '29 days' preceding and current row)
