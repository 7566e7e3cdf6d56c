-- campaigns.do_not_disturb: contenders left alone because the contact is expected to do harm.
with

open_to as (
    select
        contender.as_of_date,
        contender.customer_key,
        contender.position,
        contender.value_minor,
        contender.evidence,
        contender.verdict,
        bool_and(contender.verdict in ('do_not_disturb', 'exempt', 'standing', 'control')) over (
            partition by contender.as_of_date, contender.customer_key
        ) as is_every_play
    from campaigns.contender as contender
)

select
    open_to.as_of_date,
    open_to.customer_key,
    plan_version.plays[open_to.position] as play,
    open_to.value_minor,
    open_to.evidence,
    open_to.is_every_play
from open_to
inner join campaigns.eligibility as eligibility
    on open_to.as_of_date = eligibility.as_of_date and open_to.customer_key = eligibility.customer_key
inner join campaigns.plan_version as plan_version on eligibility.plays_version = plan_version.plays_version
where open_to.verdict = 'do_not_disturb'
