-- How many times larger or smaller each audience is than it usually was.
with

newest as (
    select max(as_of_date) as as_of_date
    from bi.audience_health
    where as_of_date <= :as_of_date and as_of_date > cast(:as_of_date as date) - 7
),

usual as (
    select
        before.campaign,
        count(*) as days,
        percentile_cont(0.5) within group (order by before.members) as members
    from newest
    inner join bi.audience_health as before
        on
            newest.as_of_date > before.as_of_date
            and newest.as_of_date - cast(:comparison_days as integer) <= before.as_of_date
    group by before.campaign
),

now as (
    select audience.*
    from newest
    inner join bi.audience_health as audience on newest.as_of_date = audience.as_of_date
)

select
    coalesce(now.campaign, usual.campaign) as subject,
    case
        when coalesce(usual.days, 0) < :comparison_least_days then null
        -- Small audiences come and go by chance; one that was large and is gone is seen.
        when greatest(coalesce(now.members, 0), usual.members) < :minimum_people then 1
        else
            greatest(
                coalesce(now.members, 0)::double precision / greatest(usual.members, 1),
                usual.members / greatest(coalesce(now.members, 0), 1)
            )
    end as value,
    cast(:audience_growth as double precision) as objective,
    jsonb_build_object('members', coalesce(now.members, 0), 'usual', round(usual.members::numeric)) as parts
from now
full outer join usual on now.campaign = usual.campaign
where exists (select 1 from newest where newest.as_of_date is not null)
