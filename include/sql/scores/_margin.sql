-- Over `lines` and `costs` in DuckDB: what each purchaser's order lines cost: the net margin's raw material. What came back is
-- neither sold nor paid for.
with

kept as (
    select
        lines.customer_key,
        lines.net_minor * greatest(1 - lines.returned_quantity / lines.quantity, 0) as net_minor,
        greatest(lines.quantity - lines.returned_quantity, 0) as quantity,
        costs.unit_cost_minor
    from lines
    left join costs on lines.product_key = costs.product_key
    where lines.quantity > 0
)

select
    customer_key,
    sum(net_minor) as net_minor,
    coalesce(sum(net_minor) filter (where unit_cost_minor is not null), 0) as costed_net_minor,
    coalesce(sum(unit_cost_minor * quantity), 0) as cost_minor
from kept
group by customer_key
