-- with (security_barrier = true)
-- bi.play_allocation: the published days' allocations by play.
with

names as (
    select distinct on (play)
        play,
        name_en,
        name_zh
    from campaigns.play
    order by play, registered_at desc
),

smallest as (
    select
        coalesce(
            (select cast(setting.value as integer) from bi.setting as setting where setting.name = 'suppressed_group_size'), 10
        ) as customers
)

select
    allocated.as_of_date,
    allocated.play,
    coalesce(names.name_en, allocated.play) as label,
    coalesce(names.name_zh, allocated.play) as label_zh,
    case when allocated.contenders >= smallest.customers then allocated.contenders end as contenders,
    case when allocated.chosen >= smallest.customers then allocated.chosen end as chosen,
    case when allocated.beaten >= smallest.customers then allocated.beaten end as beaten,
    case when allocated.over_budget >= smallest.customers then allocated.over_budget end as over_budget,
    case when allocated.channel_full >= smallest.customers then allocated.channel_full end as channel_full,
    case when allocated.do_not_disturb >= smallest.customers then allocated.do_not_disturb end as do_not_disturb,
    case when allocated.not_worth_its_cost >= smallest.customers then allocated.not_worth_its_cost end as not_worth_its_cost,
    case
        when allocated.contenders >= smallest.customers
            then allocated.measured / cast(allocated.contenders as double precision)
    end as measured_share,
    case
        when allocated.contenders >= smallest.customers
            then allocated.stated / cast(allocated.contenders as double precision)
    end as stated_share,
    case when allocated.chosen >= smallest.customers then allocated.value_minor end as value_minor,
    case when allocated.chosen >= smallest.customers then allocated.cost_minor end as cost_minor
from campaigns.allocation_play as allocated
cross join smallest
left join names on allocated.play = names.play
