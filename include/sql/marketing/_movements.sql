-- Per audience what a push would do: members held, standing, wanted, joining and leaving; tasks of a staff play count like members.
-- Reasons in :exempt are not counted as leaving, nor who only moves to the surviving record of a person.
with

held as (
    select
        campaign,
        count(*) as held_rows,
        count(*) filter (where is_standing) as standing
    from (
        select
            campaign,
            valid_until > :as_of as is_standing
        from marketing.campaign_audience
        union all
        select
            campaign,
            due_until > :as_of as is_standing
        from marketing.staff_task
        where state = 'open'
    ) as member
    group by campaign
),

wanted as (
    select
        campaign,
        count(*) as wanted_rows
    from marketing.audience_stage
    where token = :token
    group by campaign
),

moves as (
    select
        campaign,
        count(*) filter (where change in ('added', 'renewed', 'task_added')) as joins,
        count(*) filter (
            where
                change in ('removed', 'task_withdrawn')
                and not is_expired
                and not is_moving
                and coalesce(reason, '') <> all(cast(:exempt as text []))
        ) as leaves
    from pg_temp.push_difference
    group by campaign
)

select
    campaign,
    coalesce(held.held_rows, 0) as held_rows,
    coalesce(held.standing, 0) as standing,
    coalesce(wanted.wanted_rows, 0) as size,
    coalesce(moves.joins, 0) as joins,
    coalesce(moves.leaves, 0) as leaves
from held
full join wanted using (campaign)
full join moves using (campaign)
order by campaign
