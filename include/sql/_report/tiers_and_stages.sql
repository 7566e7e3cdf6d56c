-- Customers by service tier and lifecycle stage, with how many of them are at risk.
select
    tier.service_tier,
    tier.service_tier_zh,
    lifecycle.lifecycle_stage,
    lifecycle.lifecycle_stage_zh,
    count(*) as customers,
    count(*) filter (where tier.is_at_risk) as at_risk
from segments.tier as tier
inner join segments.lifecycle as lifecycle
    on
        tier.as_of_date = lifecycle.as_of_date
        and tier.customer_key = lifecycle.customer_key
where tier.as_of_date = :as_of_date
group by
    tier.service_tier,
    tier.service_tier_zh,
    lifecycle.lifecycle_stage,
    lifecycle.lifecycle_stage_zh
order by tier.service_tier, lifecycle.lifecycle_stage
