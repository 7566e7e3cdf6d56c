-- campaigns.staff_task: one row per staff play and selected customer per as_of_date, with what a person should know before the call.
with

tasks as (
    select *
    from jsonb_to_recordset(cast(:tasks as jsonb)) as task (
        play text,
        title_en text,
        title_zh text,
        talking_points_en text,
        talking_points_zh text,
        due_days integer,
        assign_to text
    )
),

chosen as (
    select
        decision.as_of_date,
        decision.play,
        decision.customer_key,
        decision.send_key,
        decision.priority,
        decision.opening_minor,
        decision.ceiling_minor,
        decision.valid_from,
        decision.valid_until,
        decision.reasons_en,
        decision.reasons_zh
    from campaigns.decision as decision
    where decision.as_of_date = :as_of_date and decision.kind = 'staff' and decision.state = 'selected'
),

people as (
    select distinct customer_key
    from chosen
),

complaints as (
    -- The case opened last, as it stood at as_of.
    select distinct on (complaint.customer_key)
        complaint.customer_key,
        complaint.category,
        complaint.severity,
        complaint.root_cause,
        cast(:as_of_date as date) - cast(complaint.opened_at at time zone :business_timezone as date) as days_since_opened,
        complaint.resolved_at < :as_of as is_resolved
    from core.complaint as complaint
    inner join people on complaint.customer_key = people.customer_key
    where
        complaint.opened_at < :as_of
        and complaint.valid_from < :as_of
        and (complaint.valid_to is null or complaint.valid_to >= :as_of)
        and (complaint.deleted_at is null or complaint.deleted_at >= :as_of)
    order by complaint.customer_key, complaint.opened_at desc, complaint.complaint_key
),

proposals as (
    -- Something new where there is anything, a product before a category.
    select distinct on (proposal.customer_key)
        proposal.customer_key,
        proposal.item,
        proposal.why_en,
        proposal.why_zh
    from scores.next_best as proposal
    inner join people on proposal.customer_key = people.customer_key
    where proposal.as_of_date = :as_of_date and proposal.rank = 1
    order by proposal.customer_key, proposal.list, proposal.level desc
),

signs as (
    select
        warning.customer_key,
        string_agg(warning.sentence_en, ' ' order by warning.warning) as sentences_en,
        string_agg(warning.sentence_zh, '' order by warning.warning) as sentences_zh
    from scores.warning as warning
    inner join people on warning.customer_key = people.customer_key
    where warning.as_of_date = :as_of_date
    group by warning.customer_key
),

names as (
    select
        label_group,
        label,
        label_en,
        label_zh
    from segments.label
)

select
    chosen.as_of_date,
    chosen.play,
    chosen.customer_key,
    chosen.send_key,
    case when tasks.assign_to = 'account_owner' then attributes.account_owner end as account_owner,
    chosen.priority,
    attributes.service_tier,
    coalesce(attributes.is_at_risk, false) as is_at_risk,
    tasks.title_en,
    tasks.title_zh,
    concat_ws(
        ' ',
        tasks.talking_points_en,
        'Why: ' || chosen.reasons_en || '.',
        'Orders: ' || cast(attributes.count_orders_lifetime as text) || ', the last '
        || cast(attributes.days_since_last_order as text) || ' days ago.',
        'Spend in a year: ' || cast(round(cast(attributes.net_minor_365d as numeric) / :minor_units, 2) as text) || ' '
        || cast(:currency as text) || '.',
        'Tier: ' || coalesce(tier_name.label_en, attributes.service_tier) || case when attributes.is_at_risk then ', at risk' else '' end || '.',
        'Last complaint: ' || concat_ws(', ', complaints.category, complaints.severity) || ', '
        || cast(complaints.days_since_opened as text) || ' days ago, '
        || case when complaints.is_resolved then 'resolved' else 'open' end
        || coalesce(', cause: ' || complaints.root_cause, '') || '.',
        'Answered ' || cast(attributes.nps_score as text) || ' of 10 to the question of recommendation, '
        || cast(attributes.days_since_nps as text) || ' days ago.',
        'Signs: ' || signs.sentences_en,
        'Contract up for renewal in ' || cast(attributes.days_to_renewal as text) || ' days.',
        'Missing to the next level: '
        || cast(round(cast(attributes.amount_to_next_level_minor as numeric) / :minor_units, 2) as text) || ' '
        || cast(:currency as text) || '.',
        'Next best: ' || proposals.item || ' (' || proposals.why_en || ').'
    ) as talking_points_en,
    concat_ws(
        '',
        tasks.talking_points_zh,
        '原因：' || chosen.reasons_zh || '。',
        '累计订单' || cast(attributes.count_orders_lifetime as text) || '笔，最近一笔在'
        || cast(attributes.days_since_last_order as text) || '天前。',
        '近一年消费：' || cast(round(cast(attributes.net_minor_365d as numeric) / :minor_units, 2) as text) || ' '
        || cast(:currency as text) || '。',
        '服务层级：' || coalesce(tier_name.label_zh, attributes.service_tier) || case when attributes.is_at_risk then '，有流失风险' else '' end || '。',
        '最近投诉：'
        || concat_ws(
            '，',
            complaints.category,
            case complaints.severity when 'severe' then '严重' when 'medium' then '中等' when 'minor' then '轻微' end
        )
        || '，' || cast(complaints.days_since_opened as text) || '天前，'
        || case when complaints.is_resolved then '已解决' else '未结' end
        || coalesce('，根因：' || complaints.root_cause, '') || '。',
        '推荐意愿评分' || cast(attributes.nps_score as text) || '分（满分10分），'
        || cast(attributes.days_since_nps as text) || '天前。',
        '预警：' || signs.sentences_zh,
        '合同将在' || cast(attributes.days_to_renewal as text) || '天后续约。',
        '距下一等级还差' || cast(round(cast(attributes.amount_to_next_level_minor as numeric) / :minor_units, 2) as text) || ' '
        || cast(:currency as text) || '。',
        '推荐商品：' || proposals.item || '（' || proposals.why_zh || '）。'
    ) as talking_points_zh,
    chosen.opening_minor,
    (chosen.opening_minor + chosen.ceiling_minor) / 2 as midpoint_minor,
    chosen.ceiling_minor,
    least(chosen.valid_until, chosen.valid_from + tasks.due_days * interval '1 day') as due_until
from chosen
inner join tasks on chosen.play = tasks.play
inner join campaigns.customer_attributes as attributes
    on chosen.customer_key = attributes.customer_key and attributes.as_of_date = :as_of_date
left join names as tier_name on tier_name.label_group = 'service_tier' and attributes.service_tier = tier_name.label
left join complaints on chosen.customer_key = complaints.customer_key
left join proposals on chosen.customer_key = proposals.customer_key
left join signs on chosen.customer_key = signs.customer_key
