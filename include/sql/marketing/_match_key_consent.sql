-- Who of an audience may be handed to an advertising platform by which of their addresses: consent to advertising is its own purpose.
-- One row per member who may be contacted now (sendable), with the state of consent per kind of address. Read at the moment of the export.
-- A telephone number is an address of two channels, sms and phone: one grant opens it, one no closes it.
with

member as (
    select distinct customer_key
    from marketing.sendable
    where campaign = :campaign
),

address as (
    select
        kind.address,
        kind.channel
    from (values ('email', 'email'), ('phone', 'sms'), ('phone', 'phone'), ('customer', 'all')) as kind (address, channel)
),

decided as (
    select
        member.customer_key,
        address.address,
        ads.decision as ads,
        profiling.decision as profiling,
        exists(
            select 1
            from marketing.shared_address as mine
            inner join marketing.address_refusal as refusal
                on mine.address_hash = refusal.address_hash and mine.channel = refusal.channel
            where
                mine.customer_key = member.customer_key
                and mine.channel = address.channel
                and refusal.customer_key <> mine.customer_key
                and refusal.purpose = 'ads'
                and (refusal.is_held or refusal.refused_at >= coalesce(ads.decided_at, '-infinity'))
        ) as is_refused
    from member
    cross join address
    left join lateral (
        select
            consent.decision,
            consent.decided_at
        from marketing.consent_state as consent
        where
            consent.customer_key = member.customer_key
            and consent.purpose = 'ads'
            and consent.channel in (address.channel, 'all')
        order by consent.decided_at desc, consent.decision desc
        limit 1
    ) as ads on true
    left join lateral (
        select consent.decision
        from marketing.consent_state as consent
        where
            consent.customer_key = member.customer_key
            and consent.purpose = 'profiling'
            and consent.channel in (address.channel, 'all')
        order by consent.decided_at desc, consent.decision desc
        limit 1
    ) as profiling on true
),

stated as (
    select
        customer_key,
        address,
        case
            when bool_or(is_refused) then 'refused_at_address'
            when bool_or(ads = 'withdrawn') then 'ads_withdrawn'
            when not coalesce(bool_or(ads = 'granted'), false) then 'no_ads_consent'
            when bool_or(profiling = 'withdrawn') then 'not_personalised'
            when bool_or(profiling = 'granted') then 'personalised'
            else 'unspecified'
        end as state
    from decided
    group by customer_key, address
)

select
    customer_key,
    max(state) filter (where address = 'email') as email_state,
    max(state) filter (where address = 'phone') as phone_state,
    max(state) filter (where address = 'customer') as customer_state
from stated
group by customer_key
order by customer_key
