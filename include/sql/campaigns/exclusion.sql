-- campaigns.exclusion: the masks of campaigns.eligibility by play. The list of plays comes first, so that a question about one play
-- looks at one place of every mask and not at all of them.
with

places as (
    select
        version.plays_version,
        listed.play,
        cast(listed.position as integer) as position
    from campaigns.plan_version as version
    cross join lateral unnest(version.plays) with ordinality as listed (play, position)
)

select
    eligibility.as_of_date,
    places.play,
    eligibility.customer_key,
    case eligibility.failing_rules[places.position]
        when 0 then 'selected'
        when 2048 then 'control'
        else 'excluded'
    end as state,
    case
        when eligibility.failing_rules[places.position] <> 0
            then
                (
                    select exclusion_rule.rule
                    from campaigns.exclusion_rule
                    where exclusion_rule.bit & eligibility.failing_rules[places.position] > 0
                    order by exclusion_rule.position
                    limit 1
                )
    end as first_failing_rule,
    eligibility.failing_rules[places.position] as failing_rules
from places
inner join campaigns.eligibility on places.plays_version = eligibility.plays_version
