-- What a dry run says of each audience: the sizes held, the changes, those that would wait, and why members would leave.
with

planned as (
    select play.campaign
    from unnest(cast(:plays as text [])) as play (campaign)
),

held as (
    select
        campaign,
        count(*) as held
    from (
        select campaign
        from marketing.campaign_audience
        union all
        select campaign
        from marketing.staff_task
        where state = 'open'
    ) as member
    group by campaign
),

changes as (
    select
        campaign,
        count(*) filter (where change in ('added', 'task_added')) as added,
        count(*) filter (where change in ('updated', 'moved', 'renewed')) as updated,
        count(*) filter (where change in ('removed', 'task_withdrawn')) as removed,
        count(*) filter (where change = 'refused') as refused,
        count(*) filter (where is_withheld) as waits
    from pg_temp.push_difference
    group by campaign
),

reasons as (
    select
        campaign,
        jsonb_object_agg(reason, leaving order by reason) as reasons
    from (
        select
            campaign,
            coalesce(reason, 'gone') as reason,
            count(*) as leaving
        from pg_temp.push_difference
        where change in ('removed', 'task_withdrawn')
        group by 1, 2
    ) as counted
    group by campaign
)

select
    campaign,
    coalesce(held.held, 0) as held,
    coalesce(changes.added, 0) as added,
    coalesce(changes.updated, 0) as updated,
    coalesce(changes.removed, 0) as removed,
    coalesce(changes.refused, 0) as refused,
    coalesce(changes.waits, 0) as waits,
    reasons.reasons
from planned
full join held using (campaign)
full join changes using (campaign)
left join reasons using (campaign)
order by campaign
