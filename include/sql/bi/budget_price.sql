-- with (security_barrier = true)
-- bi.budget_price: limits of the published days' allocations with their prices.
with

names as (
    select distinct on (play)
        play,
        name_en,
        name_zh
    from campaigns.play
    order by play, registered_at desc
),

labelled as (
    select
        price.*,
        case price.kind
            when 'total_budget' then 'budget of all promotion'
            when 'rest_budget' then 'budget of customers outside the top'
            when 'play_budget' then 'budget of ' || coalesce(names.name_en, price.applies_to)
            when 'play_capacity' then 'contacts of ' || coalesce(names.name_en, price.applies_to)
            else 'contacts through ' || price.applies_to
        end as label,
        case price.kind
            when 'total_budget' then '全部促销预算'
            when 'rest_budget' then '非重点客户预算'
            when 'play_budget' then coalesce(names.name_zh, price.applies_to) || '预算'
            when 'play_capacity' then coalesce(names.name_zh, price.applies_to) || '每日名额'
            else price.applies_to || '渠道每日名额'
        end as label_zh
    from campaigns.allocation_limit as price
    left join names on price.applies_to = names.play
)

select
    as_of_date,
    kind,
    applies_to,
    label,
    label_zh,
    case when is_money then 'money' else 'contacts' end as unit,
    most,
    used,
    used / nullif(most, 0) as used_share,
    shadow_price_minor,
    case
        when shadow_price_minor = 0 then 'Not used up: more of it would change nothing.'
        when is_money
            then
                'One more unit of money would bring ' || round(cast(shadow_price_minor + 1 as numeric), 2)
                || ' units of margin, itself included.'
        else 'One more contact would bring ' || round(cast(shadow_price_minor as numeric)) || ' minor units of margin after cost.'
    end as meaning_en,
    case
        when shadow_price_minor = 0 then '尚未用完，增加也不会改变结果。'
        when is_money
            then '每多投入1单位预算，预计带来' || round(cast(shadow_price_minor + 1 as numeric), 2) || '单位毛利（含收回的投入）。'
        else '每多一个名额，预计带来净毛利' || round(cast(shadow_price_minor as numeric)) || '（最小货币单位）。'
    end as meaning_zh
from labelled
