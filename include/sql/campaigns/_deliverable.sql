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

consents as (
    select
        coalesce(alias.customer_key, consent.customer_key) as customer_key,
        consent.purpose,
        consent.channel,
        (array_agg(consent.decision order by consent.decided_at desc, consent.decision desc))[1] as decision
    from privacy.consent_current as consent
    left join core.customer_alias as alias on consent.customer_key = alias.source_customer_key
    group by 1, 2, 3
),

unprofiled as (
    select distinct customer_key
    from consents
    where purpose = 'profiling' and decision = 'withdrawn'
),

left_alone as (
    -- Staff call: who refused service by telephone is left alone by them.
    select distinct customer_key
    from consents
    where purpose = 'service' and decision = 'withdrawn' and channel = 'phone'
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
    case when cast(:push_contact_details as boolean) and chosen.channel = 'email' then contact.email end as email,
    case when cast(:push_contact_details as boolean) and chosen.channel in ('sms', 'phone') then contact.phone end as phone,
    -- In the order in which the ledger of exclusions names its rules.
    case
        when chosen.customer_key in (select erased.customer_key from erased) then 'erased'
        when chosen.customer_key in (select suppressed.customer_key from suppressed) then 'suppressed'
        when
            chosen.channel = 'staff'
            and chosen.purpose = 'service'
            and chosen.customer_key in (select left_alone.customer_key from left_alone)
            then 'no_consent'
        when coalesce(consents.decision, case when chosen.purpose = 'service' then 'granted' end, 'none') <> 'granted' then 'no_consent'
        when closed_address.customer_key is not null or refused.customer_key is not null then 'no_consent'
        when chosen.uses_profiling and chosen.customer_key in (select unprofiled.customer_key from unprofiled) then 'profiling_withdrawn'
        when chosen.kind = 'promotional' and chosen.customer_key in (select complaining.customer_key from complaining)
            then 'complaint_hold'
    end as refusal
from chosen
left join pii.source_customer as source on chosen.customer_key = source.source_customer_key
left join pii.contact as contact on chosen.customer_key = contact.customer_key
left join campaigns.staff_task as task
    on chosen.as_of_date = task.as_of_date and chosen.play = task.play and chosen.customer_key = task.customer_key
left join consents
    on chosen.customer_key = consents.customer_key
    and chosen.purpose = consents.purpose
    and chosen.channel = consents.channel
left join privacy.consent_by_address as closed_address
    on chosen.customer_key = closed_address.customer_key
    and chosen.purpose = closed_address.purpose
    and chosen.channel = closed_address.channel
left join privacy.campaign_refused as refused
    on chosen.purpose = 'service'
    and chosen.customer_key = refused.customer_key
    and chosen.play = refused.campaign
    and chosen.channel = refused.channel
