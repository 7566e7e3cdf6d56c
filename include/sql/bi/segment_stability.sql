-- with (security_barrier = true)
-- bi.segment_stability: how steady the groups are, by date and dimension. Small numbers of people are hidden.
with

size as (
    select coalesce(
        (select cast(setting.value as integer) from bi.setting as setting where setting.name = 'suppressed_group_size'), 10
    ) as least_customers
)

select
    stability.as_of_date,
    stability.dimension,
    stability.since_date,
    stability.as_of_date - stability.since_date as days,
    case when stability.customers >= size.least_customers then stability.customers end as customers,
    case when stability.movers = 0 or stability.movers >= size.least_customers then stability.movers end as movers,
    case
        when stability.undamped_movers = 0 or stability.undamped_movers >= size.least_customers then stability.undamped_movers
    end as undamped_movers,
    stability.flap_days,
    case when stability.flappers = 0 or stability.flappers >= size.least_customers then stability.flappers end as flappers,
    case when stability.flappers = 0 or stability.flappers >= size.least_customers then stability.flap_rate end as flap_rate
from segments.stability as stability
cross join size
