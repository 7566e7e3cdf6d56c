-- Everything kept of one customer and one play on a day: attributes, mask, contest, decision, last delivery.
select
    to_jsonb(attributes) as attributes,
    eligibility.plays_version,
    eligibility.address_channels,
    eligibility.permitted_marketing,
    eligibility.permitted_service,
    eligibility.failing_rules[place.position] as failing,
    play.definition,
    contender.value_minor,
    contender.cost_minor,
    contender.evidence,
    contender.holdout_bucket,
    version.plays[contender.beaten_by] as winner,
    won.value_minor as winner_value_minor,
    won.cost_minor as winner_cost_minor,
    decision.channel,
    decision.offer_terms,
    decision.joined_on,
    decision.reasons_en,
    decision.reasons_zh,
    (
        select max(delivery.as_of_date)
        from campaigns.delivery
        left join core.customer_alias as alias on delivery.customer_key = alias.source_customer_key
        where
            delivery.play = :play
            and coalesce(alias.customer_key, delivery.customer_key) = :customer
            and delivery.as_of_date <= :day
    ) as received_on,
    (
        select array_agg(refused.channel order by refused.channel)
        from privacy.campaign_refused as refused
        where refused.customer_key = :customer and refused.campaign = :play and play.purpose = 'service'
    ) as refused_channels
from campaigns.eligibility
inner join campaigns.plan_version as version on eligibility.plays_version = version.plays_version
cross join lateral (
    select array_position(version.plays, :play) as position
) as place
inner join campaigns.play
    on play.play = :play and version.content_hashes[place.position] = play.content_hash
inner join campaigns.customer_attributes as attributes
    on eligibility.as_of_date = attributes.as_of_date and eligibility.customer_key = attributes.customer_key
left join campaigns.contender
    on eligibility.as_of_date = contender.as_of_date
    and eligibility.customer_key = contender.customer_key
    and place.position = contender.position
left join campaigns.contender as won
    on contender.as_of_date = won.as_of_date
    and contender.customer_key = won.customer_key
    and contender.beaten_by = won.position
left join campaigns.decision
    on eligibility.as_of_date = decision.as_of_date
    and eligibility.customer_key = decision.customer_key
    and decision.play = :play
where eligibility.as_of_date = :day and eligibility.customer_key = :customer
