-- How a play's effect looked day by day: the interval holds at all these looks together. Small groups are hidden.
with

size as (
    select coalesce(
        (select cast(setting.value as integer) from bi.setting as setting where setting.name = 'suppressed_group_size'), 10
    ) as least_customers
)

select
    effect.as_of_date,
    effect.outcome,
    effect.difference,
    effect.lower_any_95,
    effect.upper_any_95
from bi.play_effect as effect
cross join size
where
    effect.play = :play
    and effect.service_tier = 'all'
    and effect.as_of_date > cast(:as_of_date as date) - 90
    and effect.as_of_date <= :as_of_date
    and least(effect.treated_customers, effect.control_customers) >= size.least_customers
order by effect.outcome, effect.as_of_date
