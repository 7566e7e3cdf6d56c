-- The selected of a day who may still be contacted: consent, profiling, complaints, erasure and suppression are asked again at the push,
-- because hours can lie between the plan and it.
with

chosen as (
    select *
    from campaigns.decision
    where as_of_date = :as_of_date and state = 'selected'
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
    -- Who refused service on every channel is not called or visited by staff either.
    select customer_key
    from consents
    where purpose = 'service' and decision = 'withdrawn' and channel <> 'post'
    group by customer_key
    having count(*) >= 5
),

complaining as (
    -- Also who complained after the plan: what the day knows of cases is at hand here as well.
    select coalesce(alias.customer_key, complaint.customer_key) as customer_key
    from core.complaint
    left join core.customer_alias as alias on complaint.customer_key = alias.source_customer_key
    where
        complaint.resolved_at is null
        and complaint.valid_to is null
        and complaint.deleted_at is null
        and complaint.customer_key is not null
),

gone as (
    select coalesce(alias.customer_key, tombstone.source_customer_key) as customer_key
    from privacy.tombstone
    left join core.customer_alias as alias on tombstone.source_customer_key = alias.source_customer_key
    union
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
    case when cast(:push_contact_details as boolean) and chosen.channel in ('sms', 'phone') then contact.phone end as phone
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
where
    coalesce(consents.decision, case when chosen.purpose = 'service' then 'granted' end) = 'granted'
    and closed_address.customer_key is null
    and chosen.customer_key not in (select customer_key from gone)
    and not (chosen.channel = 'staff' and chosen.purpose = 'service' and chosen.customer_key in (select customer_key from left_alone))
    and not (chosen.kind = 'promotional' and chosen.customer_key in (select customer_key from complaining))
    and not (chosen.uses_profiling and chosen.customer_key in (select customer_key from unprofiled))
