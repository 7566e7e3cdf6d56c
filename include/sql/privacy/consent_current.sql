-- privacy.consent_current: the decision that holds per person, purpose and channel.
-- A decision on 'all' covers each channel; the later decision wins, and of two at one instant the withdrawal.
with

channels as (
    select channel
    from (values ('email'), ('sms'), ('phone'), ('wechat'), ('app'), ('post')) as listed (channel)
),

decisions as (
    select
        consent.customer_key,
        consent.purpose,
        channels.channel,
        consent.decision,
        consent.decided_at,
        consent.origin,
        consent.source,
        consent.consent_key
    from privacy.consent
    inner join channels on consent.channel in (channels.channel, 'all')
)

select distinct on (customer_key, purpose, channel)
    customer_key,
    purpose,
    channel,
    decision,
    decided_at,
    origin,
    source
from decisions
order by customer_key, purpose, channel, decided_at desc, decision desc, consent_key
