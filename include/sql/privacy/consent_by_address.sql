-- privacy.consent_by_address: whom an opt-out of somebody else binds, because they have the same address.
with

holders as (
    select
        customer_key,
        'email' as channel,
        email_normalised as address
    from pii.source_customer
    where email_normalised is not null
    union all
    select
        customer_key,
        'sms' as channel,
        phone_e164 as address
    from pii.source_customer
    where phone_e164 is not null
    union all
    select
        customer_key,
        'phone' as channel,
        phone_e164 as address
    from pii.source_customer
    where phone_e164 is not null
)

select distinct on (holders.customer_key, refusal.purpose, refusal.channel)
    holders.customer_key,
    refusal.purpose,
    refusal.channel,
    refusal.customer_key as refused_by,
    refusal.refused_at
from pii.address_refusal as refusal
inner join holders on refusal.address = holders.address and refusal.channel = holders.channel
where
    refusal.customer_key <> holders.customer_key
    and (
        refusal.left_at is null
        -- Whoever refused has moved on: who has the address now may open it again for themselves.
        or not exists (
            select 1
            from privacy.consent_current as own
            where
                own.customer_key = holders.customer_key
                and own.purpose = refusal.purpose
                and own.channel = refusal.channel
                and own.decision = 'granted'
                and own.decided_at > refusal.refused_at
        )
    )
order by holders.customer_key, refusal.purpose, refusal.channel, refusal.refused_at desc, refusal.customer_key
