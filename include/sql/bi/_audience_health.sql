-- Size, freshness and last changes of each audience, as the marketing database has it now: a row per campaign that has members or
-- was in the newest push.
with

newest as (
    select
        sync_id,
        as_of_date,
        pushed_at
    from marketing.audience_sync
    order by sync_id desc
    limit 1
),

members as (
    select
        campaign,
        count(*) as members
    from marketing.campaign_audience
    group by campaign
),

sendable as (
    select
        campaign,
        count(*) as members
    from marketing.sendable
    group by campaign
),

permitted as (
    select
        campaign,
        count(*) as members
    from marketing.permitted
    group by campaign
),

changes as (
    select
        change.campaign,
        count(*) filter (where change.change = 'added') as added,
        count(*) filter (where change.change = 'updated') as updated,
        count(*) filter (where change.change = 'removed') as removed
    from marketing.audience_change as change
    inner join newest on change.sync_id = newest.sync_id
    group by change.campaign
),

campaigns as (
    select campaign from members
    union
    select campaign from changes
)

select
    :as_of_date as as_of_date,
    campaigns.campaign,
    coalesce(members.members, 0) as members,
    coalesce(sendable.members, 0) as sendable_members,
    coalesce(permitted.members, 0) as permitted_members,
    coalesce(changes.added, 0) as added,
    coalesce(changes.updated, 0) as updated,
    coalesce(changes.removed, 0) as removed,
    newest.pushed_at as last_push_at,
    newest.as_of_date as audience_date,
    cast(:as_of_date as date) - newest.as_of_date as days_behind
from campaigns
left join members on campaigns.campaign = members.campaign
left join sendable on campaigns.campaign = sendable.campaign
left join permitted on campaigns.campaign = permitted.campaign
left join changes on campaigns.campaign = changes.campaign
left join newest on true
order by campaigns.campaign
