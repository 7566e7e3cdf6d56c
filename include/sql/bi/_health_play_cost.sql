-- How many times its usual cost each play's contacts of the newest day cost.
with

costs as (
    select
        as_of_date,
        play,
        sum(contacts) as contacts,
        sum(expected_cost_minor) as cost_minor
    from bi.audience_cost
    where as_of_date <= :as_of_date and as_of_date >= cast(:as_of_date as date) - cast(:comparison_days as integer)
    group by as_of_date, play
),

newest as (
    select max(as_of_date) as as_of_date
    from costs
    where as_of_date > cast(:as_of_date as date) - 7
),

usual as (
    select
        costs.play,
        count(*) as days,
        percentile_cont(0.5) within group (order by costs.cost_minor) as cost_minor
    from newest
    inner join costs on newest.as_of_date > costs.as_of_date
    group by costs.play
)

select
    costs.play as subject,
    case
        when coalesce(usual.days, 0) < :comparison_least_days then null
        when costs.contacts < :minimum_people then 1
        else costs.cost_minor / greatest(usual.cost_minor, 1)
    end as value,
    cast(:play_cost_growth as double precision) as objective,
    jsonb_build_object(
        'contacts', costs.contacts, 'cost_minor', round(costs.cost_minor::numeric), 'usual_minor', round(usual.cost_minor::numeric)
    ) as parts
from newest
inner join costs on newest.as_of_date = costs.as_of_date
left join usual on costs.play = usual.play
