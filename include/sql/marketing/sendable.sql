-- with (security_barrier = true)
-- marketing.sendable: who may be contacted now. Everything that can say no is looked up at the moment of reading.
with

feeds as (
    -- The most silent feed decides; no feed, or no stored limit, shows nobody.
    select
        min(heartbeat_at) > now() - (
            select cast(value as double precision) * interval '1 hour'
            from marketing.setting
            where name = 'consent_heartbeat_hours'
        ) as is_alive
    from marketing.consent_feed
)

select
    member.campaign,
    member.customer_key,
    member.customer_id,
    member.kind,
    member.purpose,
    member.uses_profiling,
    member.channel,
    member.offer,
    member.offer_terms,
    member.content_key,
    member.language,
    member.priority,
    member.valid_from,
    member.valid_until,
    member.not_before,
    member.not_after,
    member.time_zone,
    member.service_tier,
    member.lifecycle_stage,
    member.churn_band,
    member.value_band,
    member.reasons_en,
    member.reasons_zh,
    member.send_key,
    member.joined_on
from marketing.permitted as member
inner join feeds on feeds.is_alive
where
    member.valid_from <= now()
    and member.valid_until > now()
    -- Quiet hours, in the zone of whoever is written to.
    and (
        member.time_zone is null
        or case
            when member.not_before <= member.not_after
                then cast(now() at time zone member.time_zone as time) between member.not_before and member.not_after
            -- Quiet within one day, as from midnight to seven: the open hours go on past midnight.
            else
                cast(now() at time zone member.time_zone as time) >= member.not_before
                or cast(now() at time zone member.time_zone as time) <= member.not_after
        end
    )
    and not exists (
        select 1
        from marketing.acknowledgement
        where acknowledgement.send_key = member.send_key
    )
