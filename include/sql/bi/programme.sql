-- with (security_barrier = true)
-- bi.programme: what all promotion together brought, as of every measurement, with what the comparison is worth.
with

smallest as (
    select
        coalesce(
            (select cast(setting.value as integer) from bi.setting as setting where setting.name = 'suppressed_group_size'), 10
        ) as customers
),

shown as (
    select
        effect.*,
        least(effect.treated_customers, effect.control_customers) >= smallest.customers as is_shown,
        balance.verdict as balance,
        contamination.contaminated_share
    from bi.programme_effect as effect
    cross join smallest
    left join bi.control_balance as balance
        on effect.as_of_date = balance.as_of_date and balance.play = '*' and effect.service_tier = balance.service_tier
    left join bi.control_contamination as contamination
        on effect.as_of_date = contamination.as_of_date and contamination.play = '*'
),

judged as (
    select
        shown.*,
        case
            when not is_shown or verdict = 'too_few' then 'too_few'
            when balance = 'imbalanced' then 'not_to_be_trusted'
            when verdict = 'negative' then 'harmful'
            when verdict = 'positive' and net_lower_minor > 0 then 'pays'
            when verdict = 'positive' and net_upper_minor < 0 then 'does_not_pay'
            when verdict = 'positive' then 'works'
            else 'no_effect_seen'
        end as judgement
    from shown
)

select
    as_of_date,
    play_window,
    service_tier,
    window_start,
    window_days,
    case when is_shown then treated_customers end as treated_customers,
    case when is_shown then control_customers end as control_customers,
    case when is_shown then treated_mean end as treated_mean,
    case when is_shown then control_mean end as control_mean,
    case when is_shown then difference end as difference,
    case when is_shown then lower_95 end as lower_95,
    case when is_shown then upper_95 end as upper_95,
    case when is_shown then lower_any_95 end as lower_any_95,
    case when is_shown then upper_any_95 end as upper_any_95,
    case when is_shown then detectable end as detectable,
    case when is_shown then revenue_minor end as revenue_minor,
    case when is_shown then margin_minor end as margin_minor,
    case when is_shown then spend_minor end as spend_minor,
    case when is_shown then net_minor end as net_minor,
    case when is_shown then net_lower_minor end as net_lower_minor,
    case when is_shown then net_upper_minor end as net_upper_minor,
    case when is_shown then return_on_spend end as return_on_spend,
    judgement as verdict,
    balance,
    contaminated_share,
    case judgement
        when 'too_few' then 'Too few people in the universal control group yet to say what promotion brings.'
        when 'not_to_be_trusted' then 'Not to be trusted: the universal control group is not as large as chance would make it.'
        when 'harmful' then 'All promotion together lowers revenue: customers who get none spend more.'
        when 'pays' then 'Promotion brings more margin than its touches cost.'
        when 'does_not_pay' then 'Promotion raises revenue, but by less margin than its touches cost.'
        when 'works' then 'Promotion raises revenue; whether it pays for its touches is not certain yet.'
        else 'No effect of promotion has been seen; one as large as "detectable" would have been.'
    end as sentence_en,
    case judgement
        when 'too_few' then '全局对照组人数尚少，暂无法判断营销整体效果。'
        when 'not_to_be_trusted' then '结果不可信：全局对照组人数偏差无法用随机解释。'
        when 'harmful' then '全部营销合计降低了收入：不接受营销的客户消费更多。'
        when 'pays' then '营销带来的毛利高于触达成本。'
        when 'does_not_pay' then '营销提升了收入，但带来的毛利低于触达成本。'
        when 'works' then '营销提升了收入，能否覆盖触达成本尚不确定。'
        else '未观察到营销效果；若效果达到“可检出”水平，应已被观察到。'
    end as sentence_zh
from judged
