-- bi.audience: what is in the marketing database beside what the day's plan said.
with

newest as (
    select max(cast(slice_key as date)) as as_of_date
    from ops.published
    where table_name = 'bi.audience_health'
),

names as (
    select distinct on (play)
        play,
        name_en,
        name_zh
    from campaigns.play
    order by play, registered_at desc
),

health as (
    select audience_health.*
    from newest
    inner join bi.audience_health as audience_health on newest.as_of_date = audience_health.as_of_date
),

planned as (
    select play_run.*
    from newest
    inner join campaigns.play_run as play_run on newest.as_of_date = play_run.as_of_date
)

select
    coalesce(health.as_of_date, planned.as_of_date) as as_of_date,
    coalesce(health.campaign, planned.play) as play,
    coalesce(names.name_en, health.campaign, planned.play) as label,
    coalesce(names.name_zh, health.campaign, planned.play) as label_zh,
    coalesce(health.members, 0) as members,
    coalesce(health.sendable_members, 0) as sendable_members,
    coalesce(health.added, 0) as added,
    coalesce(health.updated, 0) as updated,
    coalesce(health.removed, 0) as removed,
    health.audience_date,
    health.days_behind,
    planned.selected as planned_selected,
    planned.control as planned_control,
    planned.excluded as planned_excluded
from health
full outer join planned on health.campaign = planned.play
left join names on coalesce(health.campaign, planned.play) = names.play
