-- The selected of a day, with why they may not be contacted any more: consent, profiling, complaints, erasure and suppression are asked
-- again at the push, because hours can lie between the plan and it. Without a refusal a row may go out. :customers asks for some alone.
with

chosen as (
    select *
    from campaigns.decision
    where
        as_of_date = :as_of_date
        and state = 'selected'
        and (cast(:customers as bigint []) is null or customer_key = any(cast(:customers as bigint [])))
),

asked as (
    select
        play,
        customer_key,
        kind,
        purpose,
        channel,
        uses_profiling
    from campaigns.decision
    where
        as_of_date = :as_of_date
        and state = 'selected'
        and (cast(:customers as bigint []) is null or customer_key = any(cast(:customers as bigint [])))
),

told as (
    -- What they said last, either way, as in privacy.consent_current: by channel as they said it, so that 'all' is not six rows each.
    select
        person.customer_key,
        consent.purpose,
        consent.channel,
        max(consent.decided_at) filter (where consent.decision = 'granted') as granted_at,
        max(
            case
                when consent.decided_at > consent.recorded_at + interval '1 day' then consent.recorded_at
                else consent.decided_at
            end
        ) filter (where consent.decision = 'withdrawn') as withdrawn_at
    from privacy.consent
    left join core.customer_alias as alias
        on consent.customer_key = alias.source_customer_key and alias.source_customer_key <> alias.customer_key
    inner join (select distinct asked.customer_key from asked) as person
        on coalesce(alias.customer_key, consent.customer_key) = person.customer_key
    where consent.decision = 'withdrawn' or consent.decided_at <= now() + interval '1 hour'
    group by person.customer_key, consent.purpose, consent.channel
),

unprofiled as (
    -- Who does not want to be profiled by any channel. A channel of which nothing was said alone has what was said of all.
    select distinct by_channel.customer_key
    from (
        select
            told.customer_key,
            told.channel,
            told.granted_at,
            told.withdrawn_at,
            max(told.granted_at) filter (where told.channel = 'all') over person as all_granted_at,
            max(told.withdrawn_at) filter (where told.channel = 'all') over person as all_withdrawn_at,
            count(*) filter (where told.channel <> 'all') over person as own_channels
        from told
        where told.purpose = 'profiling'
        window person as (partition by told.customer_key)
    ) as by_channel
    where
        (
            by_channel.channel <> 'all'
            and greatest(by_channel.withdrawn_at, by_channel.all_withdrawn_at)
            >= coalesce(greatest(by_channel.granted_at, by_channel.all_granted_at), '-infinity')
        )
        or (
            by_channel.own_channels < 6
            and by_channel.all_withdrawn_at >= coalesce(by_channel.all_granted_at, '-infinity')
        )
),

left_alone as (
    -- Staff call: who refused service by telephone is left alone by them.
    select told.customer_key
    from told
    where told.purpose = 'service' and told.channel in ('phone', 'all')
    group by told.customer_key
    having max(told.withdrawn_at) >= coalesce(max(told.granted_at), '-infinity')
),

complaining as (
    -- Also who complained after the plan.
    select resting.customer_key
    from unnest(cast(cast(:resting as text) as bigint [])) as resting (customer_key)
),

erased as (
    select coalesce(alias.customer_key, tombstone.source_customer_key) as customer_key
    from privacy.tombstone
    left join core.customer_alias as alias on tombstone.source_customer_key = alias.source_customer_key
),

suppressed as (
    select blocked.customer_key
    from unnest(cast(cast(:suppressed as text) as bigint [])) as blocked (customer_key)
),

judged as (
    -- Rows without a refusal are left out: what is wide is joined to a few.
    select *
    from (
        select
            asked.play,
            asked.customer_key,
            -- In the order in which the ledger of exclusions names its rules.
            case
                when asked.customer_key in (select erased.customer_key from erased) then 'erased'
                when asked.customer_key in (select suppressed.customer_key from suppressed) then 'suppressed'
                when
                    asked.channel = 'staff'
                    and asked.purpose = 'service'
                    and asked.customer_key in (select left_alone.customer_key from left_alone)
                    then 'no_consent'
                when coalesce(consents.decision, case when asked.purpose = 'service' then 'granted' end, 'none') <> 'granted' then 'no_consent'
                when closed_address.customer_key is not null or refused.customer_key is not null then 'no_consent'
                when asked.uses_profiling and asked.customer_key in (select unprofiled.customer_key from unprofiled) then 'profiling_withdrawn'
                when asked.kind = 'promotional' and asked.customer_key in (select complaining.customer_key from complaining)
                    then 'complaint_hold'
            end as refusal
        from asked
        left join told as of_channel
            on asked.customer_key = of_channel.customer_key
            and asked.purpose = of_channel.purpose
            and asked.channel = of_channel.channel
        left join told as of_all
            on asked.customer_key = of_all.customer_key
            and asked.purpose = of_all.purpose
            and of_all.channel = 'all'
        cross join lateral (
            select
                case
                    when
                        greatest(of_channel.withdrawn_at, of_all.withdrawn_at)
                        >= coalesce(greatest(of_channel.granted_at, of_all.granted_at), '-infinity')
                        then 'withdrawn'
                    when greatest(of_channel.granted_at, of_all.granted_at) is not null then 'granted'
                end as decision
        ) as consents
        left join privacy.consent_by_address as closed_address
            on asked.customer_key = closed_address.customer_key
            and asked.purpose = closed_address.purpose
            and asked.channel = closed_address.channel
        left join privacy.campaign_refused as refused
            on asked.purpose = 'service'
            and asked.customer_key = refused.customer_key
            and asked.play = refused.campaign
            and asked.channel = refused.channel
    ) as stated
    where refusal is not null
)

select
    cast(:token as bigint) as token,
    chosen.play as campaign,
    chosen.customer_key,
    source.customer_id,
    chosen.kind,
    chosen.purpose,
    chosen.uses_profiling,
    chosen.channel,
    chosen.offer,
    chosen.offer_terms,
    chosen.content_key,
    chosen.language,
    chosen.priority,
    chosen.valid_from,
    -- A task may be due before its membership ends.
    coalesce(task.due_until, chosen.valid_until) as valid_until,
    chosen.not_before,
    chosen.not_after,
    chosen.time_zone,
    chosen.service_tier,
    chosen.lifecycle_stage,
    chosen.churn_band,
    chosen.value_band,
    chosen.reasons_en,
    chosen.reasons_zh,
    chosen.send_key,
    chosen.joined_on,
    task.account_owner,
    task.title_en,
    task.title_zh,
    task.talking_points_en,
    task.talking_points_zh,
    task.opening_minor,
    task.midpoint_minor,
    task.ceiling_minor,
    case when chosen.channel = 'email' then contact.email end as email,
    case when chosen.channel in ('sms', 'phone') then contact.phone end as phone,
    judged.refusal
from chosen
left join pii.source_customer as source on chosen.customer_key = source.source_customer_key
left join pii.contact as contact on cast(:push_contact_details as boolean) and chosen.customer_key = contact.customer_key
left join campaigns.staff_task as task
    on chosen.as_of_date = task.as_of_date and chosen.play = task.play and chosen.customer_key = task.customer_key
left join judged on chosen.play = judged.play and chosen.customer_key = judged.customer_key
