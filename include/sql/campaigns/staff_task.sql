-- campaigns.staff_task: one row per staff play and selected customer per as_of_date, with what a person should know before the call.
with

tasks as (
    select *
    from jsonb_to_recordset(cast(:tasks as jsonb)) as task (
        play text,
        title_en text,
        title_zh text,
        talking_points_en text,
        talking_points_zh text
    )
),

chosen as (
    select
        decision.as_of_date,
        decision.play,
        decision.customer_key,
        decision.send_key,
        decision.opening_minor,
        decision.ceiling_minor,
        decision.valid_until,
        decision.reasons_en,
        decision.reasons_zh
    from campaigns.decision as decision
    where decision.as_of_date = :as_of_date and decision.kind = 'staff' and decision.state = 'selected'
)

select
    chosen.as_of_date,
    chosen.play,
    chosen.customer_key,
    chosen.send_key,
    attributes.account_owner,
    tasks.title_en,
    tasks.title_zh,
    concat_ws(
        ' ',
        tasks.talking_points_en,
        'Why: ' || chosen.reasons_en || '.',
        'Last order ' || cast(attributes.days_since_last_order as text) || ' days ago.',
        'Spend in a year: ' || cast(round(cast(attributes.net_minor_365d as numeric) / :minor_units, 2) as text) || ' '
        || cast(:currency as text) || '.',
        'Tier: ' || attributes.service_tier || '.',
        'Complaints open: ' || cast(attributes.count_open_complaints as text) || '.'
    ) as talking_points_en,
    concat_ws(
        '',
        tasks.talking_points_zh,
        '原因：' || chosen.reasons_zh || '。',
        '上次下单：' || cast(attributes.days_since_last_order as text) || '天前。',
        '近一年消费：' || cast(round(cast(attributes.net_minor_365d as numeric) / :minor_units, 2) as text) || ' '
        || cast(:currency as text) || '。',
        '服务层级：' || tier.service_tier_zh || '。',
        '未结投诉：' || cast(attributes.count_open_complaints as text) || '。'
    ) as talking_points_zh,
    chosen.opening_minor,
    (chosen.opening_minor + chosen.ceiling_minor) / 2 as midpoint_minor,
    chosen.ceiling_minor,
    chosen.valid_until as due_until
from chosen
inner join tasks on chosen.play = tasks.play
inner join campaigns.customer_attributes as attributes
    on chosen.customer_key = attributes.customer_key and attributes.as_of_date = :as_of_date
left join segments.tier as tier on chosen.customer_key = tier.customer_key and tier.as_of_date = :as_of_date
