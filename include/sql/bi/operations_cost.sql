-- with (security_barrier = true)
-- bi.operations_cost: what was handed out and what it costs, by day, play and channel.
select
    delivery.as_of_date,
    delivery.play,
    delivery.kind,
    delivery.channel,
    count(*) as handed_out,
    count(delivery.removed_on) as taken_back,
    cast(coalesce(sum(delivery.cost_minor), 0) as bigint) as cost_minor,
    coalesce(sum(delivery.expected_cost_minor), 0) as expected_cost_minor
from campaigns.delivery as delivery
group by delivery.as_of_date, delivery.play, delivery.kind, delivery.channel
