-- campaigns.play_run: one row per play per as_of_date. Three tables that are filled apart give the parts: the population comes from
-- the attributes, who is kept out from the masks, who is not from the decisions, so that the check on the sum means something.
with

plays as (
    select *
    from jsonb_to_recordset(cast(:plays as jsonb)) as play (
        position integer,
        play text,
        content_hash text
    )
),

population as (
    select count(*) as customers
    from campaigns.customer_attributes
    where as_of_date = :as_of_date
),

patterns as (
    -- Most customers share their masks with many others: whole lists of masks are counted first.
    select
        failing_rules,
        count(*) as customers
    from campaigns.eligibility
    where as_of_date = :as_of_date
    group by failing_rules
),

kept_out as (
    select
        mask.position,
        sum(patterns.customers) filter (where mask.failing & outside.bit <> 0) as not_in_audience,
        sum(patterns.customers) filter (where mask.failing & outside.bit = 0) as excluded
    from patterns
    cross join (
        select bit
        from campaigns.exclusion_rule
        where rule = 'not_in_audience'
    ) as outside
    cross join lateral unnest(patterns.failing_rules) with ordinality as mask (failing, position)
    inner join campaigns.exclusion_rule as control on control.rule = 'control'
    where mask.failing not in (0, control.bit)
    group by mask.position
),

kept as (
    select
        play,
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
    coalesce(kept_out.not_in_audience, 0) as not_in_audience,
    coalesce(kept_out.excluded, 0) as excluded,
    coalesce(kept.control, 0) as control,
    coalesce(kept.selected, 0) as selected
from plays
cross join population
left join kept_out on plays.position = kept_out.position
left join kept on plays.play = kept.play
