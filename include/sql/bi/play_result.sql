-- with (security_barrier = true)
-- bi.play_result: effects as of the newest measurement.
with

newest as (
    select max(cast(slice_key as date)) as as_of_date
    from ops.published
    where table_name = 'bi.play_effect'
),

names as (
    select distinct on (play)
        play,
        name_en,
        name_zh
    from campaigns.play
    order by play, registered_at desc
),

effects as (
    select
        effect.*,
        least(effect.treated_customers, effect.control_customers) >= coalesce(
            (select cast(setting.value as integer) from bi.setting as setting where setting.name = 'suppressed_group_size'), 10
        ) as is_shown
    from newest
    inner join bi.play_effect as effect on newest.as_of_date = effect.as_of_date
)

select
    effects.as_of_date,
    effects.play,
    coalesce(names.name_en, effects.play) as label,
    coalesce(names.name_zh, effects.play) as label_zh,
    effects.service_tier,
    effects.outcome,
    effects.outcome_days,
    case when effects.is_shown then effects.treated_customers end as treated_customers,
    case when effects.is_shown then effects.control_customers end as control_customers,
    case when effects.is_shown then effects.treated_mean end as treated_mean,
    case when effects.is_shown then effects.control_mean end as control_mean,
    case when effects.is_shown then effects.difference end as difference,
    case when effects.is_shown then effects.lower_95 end as lower_95,
    case when effects.is_shown then effects.upper_95 end as upper_95,
    case when effects.is_shown then effects.lower_any_95 end as lower_any_95,
    case when effects.is_shown then effects.upper_any_95 end as upper_any_95,
    case when effects.is_shown then effects.detectable end as detectable,
    effects.verdict
from effects
left join names on effects.play = names.play
