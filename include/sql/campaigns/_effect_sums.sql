-- campaigns.effect_sum from the units that `effect.changes` holds, each with the sign it counts with: 1 as it is now, -1 as it was.
select
    unit.play,
    unit.started_on,
    coalesce(unit.service_tier, 'none') as service_tier,
    unit.is_treated,
    cast(sum(unit.sign) as bigint) as customers,
    coalesce(sum(unit.sign * unit.net_minor), 0) as sum_net,
    coalesce(sum(unit.sign) filter (where unit.has_bought), 0) as sum_bought,
    coalesce(sum(unit.sign * unit.spend_before_minor), 0) as sum_spend,
    coalesce(sum(unit.sign * unit.value_before_minor), 0) as sum_value,
    count(unit.value_before_minor) filter (where unit.sign > 0) - count(unit.value_before_minor) filter (where unit.sign < 0) as sum_known,
    coalesce(sum(unit.sign * cast(unit.net_minor as numeric) * unit.net_minor) filter (where unit.net_minor <> 0), 0) as net_net,
    coalesce(sum(unit.sign * cast(unit.net_minor as numeric) * unit.spend_before_minor) filter (where unit.net_minor <> 0), 0) as net_spend,
    coalesce(sum(unit.sign * cast(unit.net_minor as numeric) * unit.value_before_minor) filter (where unit.net_minor <> 0), 0) as net_value,
    coalesce(sum(unit.sign * unit.net_minor) filter (where unit.value_before_minor is not null), 0) as net_known,
    coalesce(sum(unit.sign * unit.spend_before_minor) filter (where unit.has_bought), 0) as bought_spend,
    coalesce(sum(unit.sign * unit.value_before_minor) filter (where unit.has_bought), 0) as bought_value,
    coalesce(sum(unit.sign) filter (where unit.has_bought and unit.value_before_minor is not null), 0) as bought_known,
    coalesce(sum(unit.sign * cast(unit.spend_before_minor as numeric) * unit.spend_before_minor), 0) as spend_spend,
    coalesce(sum(unit.sign * cast(unit.spend_before_minor as numeric) * unit.value_before_minor), 0) as spend_value,
    coalesce(sum(unit.sign * unit.spend_before_minor) filter (where unit.value_before_minor is not null), 0) as spend_known,
    coalesce(sum(unit.sign * cast(unit.value_before_minor as numeric) * unit.value_before_minor), 0) as value_value
from effect.changes as unit
group by unit.play, unit.started_on, coalesce(unit.service_tier, 'none'), unit.is_treated
