-- with (security_barrier = true)
-- bi.operations_cost: what was handed out and what it costs, day by day, as counted once a day; months are in bi.kpi (spend).
select
    cost.as_of_date,
    cost.play,
    cost.channel,
    cost.contacts as handed_out,
    cost.cost_minor,
    cost.expected_cost_minor
from bi.audience_cost as cost
