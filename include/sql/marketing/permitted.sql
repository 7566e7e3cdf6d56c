-- with (security_barrier = true)
-- marketing.permitted: members whom nobody has to leave alone. Everything that can say no is looked up at the moment of reading.
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
from marketing.campaign_audience as member
left join lateral (
    select
        consent.decision,
        consent.decided_at
    from marketing.consent_state as consent
    where
        consent.customer_key = member.customer_key
        and consent.purpose = member.purpose
        and consent.channel in (member.channel, 'all')
    order by consent.decided_at desc, consent.decision desc
    limit 1
) as consent on true
where
    -- Promotion needs a grant; a service message only that nobody said no.
    coalesce(consent.decision, case when member.purpose = 'service' then 'granted' end) = 'granted'
    and not exists (
        select 1
        from marketing.suppression
        where suppression.customer_key = member.customer_key
    )
    and not (
        member.uses_profiling
        and exists (
            select 1
            from (
                select profiling.decision
                from marketing.consent_state as profiling
                where
                    profiling.customer_key = member.customer_key
                    and profiling.purpose = 'profiling'
                    and profiling.channel in (member.channel, 'all')
                order by profiling.decided_at desc, profiling.decision desc
                limit 1
            ) as latest
            where latest.decision = 'withdrawn'
        )
    )
    -- Promotion rests while a complaint is open and for some days after; a service message is how it is made good.
    and not (
        member.kind = 'promotional'
        and exists (
            select 1
            from marketing.contact_hold as hold
            where hold.customer_key = member.customer_key and (hold.rests_until is null or hold.rests_until > now())
        )
    )
    -- An unsubscribe counts before the pipeline has read it. From service messages one unsubscribes by campaign.
    and not exists (
        select 1
        from marketing.campaign_event as event
        where
            event.customer_key = member.customer_key
            and event.kind in ('unsubscribed', 'complained')
            and (event.channel in (member.channel, 'all') or event.channel not in ('email', 'sms', 'phone', 'wechat', 'app', 'post'))
            and (member.purpose <> 'service' or event.campaign = member.campaign)
            and event.occurred_at >= coalesce(consent.decided_at, '-infinity')
    )
    -- One opt-out by address binds everybody who has the address.
    and not exists (
        select 1
        from marketing.shared_address as mine
        inner join marketing.address_refusal as refusal
            on mine.address_hash = refusal.address_hash and mine.channel = refusal.channel
        where
            mine.customer_key = member.customer_key
            and mine.channel = member.channel
            and refusal.customer_key <> mine.customer_key
            and refusal.purpose = member.purpose
            and (refusal.is_held or refusal.refused_at >= coalesce(consent.decided_at, '-infinity'))
    )
    -- So does an unsubscribe which the pipeline has not read yet, unless whoever sent it has agreed again since.
    and not exists (
        select 1
        from marketing.shared_address as mine
        inner join marketing.shared_address as other
            on mine.address_hash = other.address_hash and mine.channel = other.channel
        inner join marketing.campaign_event as event on other.customer_key = event.customer_key
        where
            mine.customer_key = member.customer_key
            and mine.channel = member.channel
            and other.customer_key <> mine.customer_key
            and member.purpose = 'marketing'
            and event.kind in ('unsubscribed', 'complained')
            and (event.channel in (member.channel, 'all') or event.channel not in ('email', 'sms', 'phone', 'wechat', 'app', 'post'))
            and not exists (
                select 1
                from marketing.consent_state as since
                where
                    since.customer_key = other.customer_key
                    and since.purpose = 'marketing'
                    and since.channel in (member.channel, 'all')
                    and since.decision = 'granted'
                    and since.decided_at > event.occurred_at
            )
    )
