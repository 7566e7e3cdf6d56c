-- with (security_barrier = true)
-- bi.funnel: the newest figures of every month, small steps hidden.
with

newest as (
    select distinct on (value.play, value.month)
        value.*,
        coalesce(
            (select cast(setting.value as integer) from bi.setting as setting where setting.name = 'suppressed_group_size'), 10
        ) as smallest
    from bi.funnel_value as value
    order by value.play, value.month, value.as_of_date desc
),

names as (
    select distinct on (play)
        play,
        name_en,
        name_zh
    from campaigns.play
    order by play, registered_at desc
)

select
    newest.play,
    coalesce(names.name_en, newest.play) as label,
    coalesce(names.name_zh, newest.play) as label_zh,
    newest.month,
    newest.as_of_date,
    case when newest.held_back = 0 or newest.held_back >= newest.smallest then newest.held_back end as held_back,
    case when newest.handed_out = 0 or newest.handed_out >= newest.smallest then newest.handed_out end as handed_out,
    case when newest.sent = 0 or newest.sent >= newest.smallest then newest.sent end as sent,
    case when newest.delivered = 0 or newest.delivered >= newest.smallest then newest.delivered end as delivered,
    case when newest.opened = 0 or newest.opened >= newest.smallest then newest.opened end as opened,
    case when newest.clicked = 0 or newest.clicked >= newest.smallest then newest.clicked end as clicked,
    case when newest.converted = 0 or newest.converted >= newest.smallest then newest.converted end as converted,
    case when newest.bought = 0 or newest.bought >= newest.smallest then newest.bought end as bought,
    case when newest.unsubscribed = 0 or newest.unsubscribed >= newest.smallest then newest.unsubscribed end as unsubscribed,
    case when newest.handed_out = 0 or newest.handed_out >= newest.smallest then newest.cost_minor end as cost_minor
from newest
left join names on newest.play = names.play
