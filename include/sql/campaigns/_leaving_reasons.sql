-- Why members leave: the first rule that failed today, or that a play is not planned any more, or that core has them no more. Null: planned,
-- but held back at the push, which knows what went in between (_deliverable).
select
    leaving.play,
    leaving.customer_key,
    case
        when place.failing = 0 then null
        when place.failing is not null
            then
                (
                    select exclusion_rule.rule
                    from campaigns.exclusion_rule
                    where exclusion_rule.bit & place.failing > 0
                    order by exclusion_rule.position
                    limit 1
                )
        when eligibility.customer_key is not null then 'not_in_audience'
        else 'gone'
    end as reason
from unnest(cast(:plays as text []), cast(:keys as bigint [])) as leaving (play, customer_key)
left join campaigns.eligibility
    on eligibility.as_of_date = :as_of_date
    and leaving.customer_key = eligibility.customer_key
left join campaigns.plan_version as version on eligibility.plays_version = version.plays_version
left join lateral (
    select eligibility.failing_rules[array_position(version.plays, leaving.play)] as failing
) as place on true
