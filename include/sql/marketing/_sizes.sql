-- What a push did to each audience and what it left, for the account of the push; :plays were planned, also those nobody is in.
with

planned as (
    select play.campaign
    from unnest(cast(:plays as text [])) as play (campaign)
),

members as (
    select
        campaign,
        count(*) as rows_total
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

moves as (
    select
        campaign,
        count(*) filter (where change in ('added', 'task_added') and not is_withheld) as rows_added,
        count(*) filter (where change in ('updated', 'moved', 'renewed') and not is_withheld) as rows_updated,
        count(*) filter (where change in ('removed', 'task_withdrawn') and not is_withheld) as rows_removed,
        count(*) filter (where change in ('added', 'renewed', 'task_added') and not is_withheld) as joins,
        count(*) filter (
            where
                change in ('removed', 'task_withdrawn')
                and not is_withheld
                and not is_expired
                and not is_moving
                and coalesce(reason, '') <> all(cast(:exempt as text []))
        ) as leaves,
        count(*) filter (where change in ('added', 'renewed', 'task_added') and is_withheld) as joins_withheld,
        count(*) filter (where change in ('removed', 'task_withdrawn') and is_withheld) as leaves_withheld,
        count(*) filter (where change = 'updated' and is_withheld) as updates_withheld
    from pg_temp.push_difference
    group by campaign
)

select
    campaign,
    coalesce(members.rows_total, 0) as rows_total,
    coalesce(moves.rows_added, 0) as rows_added,
    coalesce(moves.rows_updated, 0) as rows_updated,
    coalesce(moves.rows_removed, 0) as rows_removed,
    coalesce(moves.joins, 0) as joins,
    coalesce(moves.leaves, 0) as leaves,
    coalesce(moves.joins_withheld, 0) as joins_withheld,
    coalesce(moves.leaves_withheld, 0) as leaves_withheld,
    coalesce(moves.updates_withheld, 0) as updates_withheld
from planned
full join members using (campaign)
full join moves using (campaign)
order by campaign
