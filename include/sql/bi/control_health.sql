-- with (security_barrier = true)
-- bi.control_health: checks of the control groups as of the newest measurement.
with

newest as (
    select max(cast(slice_key as date)) as as_of_date
    from ops.published
    where table_name = 'bi.control_balance'
),

names as (
    select distinct on (play)
        play,
        name_en,
        name_zh
    from campaigns.play
    order by play, registered_at desc
),

checked as (
    select
        balance.*,
        contamination.contaminated_share,
        contamination.verdict as contamination,
        least(balance.treated_customers, balance.control_customers) >= coalesce(
            (select cast(setting.value as integer) from bi.setting as setting where setting.name = 'suppressed_group_size'), 10
        ) as is_shown
    from newest
    inner join bi.control_balance as balance on newest.as_of_date = balance.as_of_date
    left join bi.control_contamination as contamination
        on balance.as_of_date = contamination.as_of_date and balance.play = contamination.play
)

select
    checked.as_of_date,
    checked.play,
    case when checked.play = '*' then 'universal control group' else coalesce(names.name_en, checked.play) end as label,
    case when checked.play = '*' then '全局对照组' else coalesce(names.name_zh, checked.play) end as label_zh,
    checked.service_tier,
    case when checked.is_shown then checked.treated_customers end as treated_customers,
    case when checked.is_shown then checked.control_customers end as control_customers,
    case when checked.is_shown then checked.expected_share end as expected_share,
    case when checked.is_shown then checked.observed_share end as observed_share,
    case when checked.is_shown then checked.p_value end as p_value,
    case when checked.is_shown then checked.verdict else 'too_few' end as balance,
    case when checked.is_shown then checked.contaminated_share end as contaminated_share,
    case when checked.is_shown then checked.contamination end as contamination,
    case
        when not checked.is_shown or checked.verdict = 'too_few' then 'Too few people yet to say anything.'
        when checked.verdict = 'imbalanced'
            then 'Do not trust the effect: chance does not explain the size of the control group. Look for what removes people from one group only.'
        when checked.contamination = 'contaminated'
            then 'The effect is understated: control customers were contacted. Ask which tool sends outside the audience.'
        else 'The groups can be compared.'
    end as advice_en,
    case
        when not checked.is_shown or checked.verdict = 'too_few' then '人数太少，暂无法判断。'
        when checked.verdict = 'imbalanced' then '效果不可信：对照组人数偏差无法用随机解释，请检查是否只从一组中剔除了客户。'
        when checked.contamination = 'contaminated' then '效果被低估：对照组客户仍被触达，请检查哪个工具绕过名单发送。'
        else '两组可以比较。'
    end as advice_zh
from checked
left join names on checked.play = names.play
