-- campaigns.play_run: one row per play per as_of_date. The population is counted once and independently of the decisions, so that the
-- check on the sum means something.
with

plays as (
    select *
    from jsonb_to_recordset(cast(:plays as jsonb)) as play (
        play text,
        content_hash text
    )
),

population as (
    select count(*) as customers
    from campaigns.customer_attributes
    where as_of_date = :as_of_date
),

counts as (
    select
        play,
        count(distinct customer_key) as matching,
        count(*) filter (where state = 'excluded') as excluded,
        count(*) filter (where state = 'control') as control,
        count(*) filter (where state = 'selected') as selected
    from campaigns.decision
    where as_of_date = :as_of_date
    group by play
)

select
    cast(:as_of_date as date) as as_of_date,
    plays.play,
    plays.content_hash,
    population.customers as population,
    population.customers - coalesce(counts.matching, 0) as not_in_audience,
    coalesce(counts.excluded, 0) as excluded,
    coalesce(counts.control, 0) as control,
    coalesce(counts.selected, 0) as selected
from plays
cross join population
left join counts on plays.play = counts.play
