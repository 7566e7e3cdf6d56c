-- Per audience what a push would do: members held, standing, wanted, joining and leaving. Reasons in :exempt are not counted as leaving.
-- Staff plays hold no members: of them only the size counts.
with

held as (
    select
        campaign,
        count(*) as held_rows,
        count(*) filter (where valid_until > :as_of) as standing
    from marketing.campaign_audience
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
        count(*) filter (where change in ('added', 'renewed')) as joins,
        count(*) filter (
            where change = 'removed' and not is_expired and reason <> all(cast(:exempt as text []))
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
