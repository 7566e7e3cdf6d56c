-- Share of all candidates whom each rule is the first to keep out, beside what is usual.
with

candidates as (
    select
        as_of_date,
        sum(excluded + control + selected) as people
    from campaigns.play_run
    where as_of_date <= :as_of_date and as_of_date >= cast(:as_of_date as date) - cast(:comparison_days as integer)
    group by as_of_date
),

rules as (
    select
        as_of_date,
        rule,
        sum(customers_first) as people
    from campaigns.exclusion_count
    where
        as_of_date <= :as_of_date
        and as_of_date >= cast(:as_of_date as date) - cast(:comparison_days as integer)
        and rule not in ('not_in_audience', 'control', 'beaten')
    group by as_of_date, rule
),

listed as (
    select distinct rule
    from rules
),

shares as (
    select
        candidates.as_of_date,
        listed.rule,
        candidates.people,
        coalesce(rules.people, 0)::double precision / candidates.people as share
    from candidates
    cross join listed
    left join rules on candidates.as_of_date = rules.as_of_date and listed.rule = rules.rule
    where candidates.people > 0
),

newest as (
    select max(as_of_date) as as_of_date
    from shares
    where as_of_date > cast(:as_of_date as date) - 7
),

usual as (
    select
        shares.rule,
        count(*) as days,
        percentile_cont(0.5) within group (order by shares.share) as share
    from newest
    inner join shares on newest.as_of_date > shares.as_of_date
    group by shares.rule
)

select
    shares.rule as subject,
    case when shares.people >= :minimum_people then shares.share end as value,
    case when usual.days >= :comparison_least_days then least(1, usual.share + :exclusion_rise) end as objective,
    jsonb_build_object('usual', usual.share, 'candidates', shares.people) as parts
from newest
inner join shares on newest.as_of_date = shares.as_of_date
left join usual on shares.rule = usual.rule
