-- campaigns.exclusion_count: one row per play and failing rule per as_of_date. Most customers share their masks with many others, so
-- that whole lists of masks are counted first and taken apart after.
with

plays as (
    select *
    from jsonb_to_recordset(cast(:plays as jsonb)) as play (
        position integer,
        play text
    )
),

patterns as (
    select
        failing_rules,
        count(*) as customers
    from campaigns.eligibility
    where as_of_date = :as_of_date
    group by failing_rules
),

masks as (
    select
        plays.play,
        mask.failing,
        sum(patterns.customers) as customers
    from patterns
    cross join lateral unnest(patterns.failing_rules) with ordinality as mask (failing, position)
    inner join plays on mask.position = plays.position
    where mask.failing <> 0
    group by plays.play, mask.failing
)

select
    cast(:as_of_date as date) as as_of_date,
    masks.play,
    failed.rule,
    cast(coalesce(sum(masks.customers) filter (where failed.place = 1), 0) as bigint) as customers_first,
    cast(sum(masks.customers) as bigint) as customers_any
from masks
cross join lateral (
    select
        exclusion_rule.rule,
        row_number() over (order by exclusion_rule.position) as place
    from campaigns.exclusion_rule
    where exclusion_rule.bit & masks.failing > 0
) as failed
group by masks.play, failed.rule
