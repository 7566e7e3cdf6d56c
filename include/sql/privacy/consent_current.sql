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
        -- A withdrawal dated more than a day after it was recorded carries a wrong date: it holds from when it was recorded on,
        -- so that it neither waits nor outlives what the person decides later.
        case
            when consent.decided_at > consent.recorded_at + interval '1 day' and consent.decision = 'withdrawn'
                then consent.recorded_at
            else consent.decided_at
        end as decided_at,
        consent.origin,
        consent.source,
        consent.basis,
        consent.consent_key
    from privacy.consent
    inner join channels on consent.channel in (channels.channel, 'all')
    -- A grant of tomorrow grants nothing today.
    where consent.decision = 'withdrawn' or consent.decided_at <= now() + interval '1 hour'
)

select distinct on (customer_key, purpose, channel)
    customer_key,
    purpose,
    channel,
    decision,
    decided_at,
    origin,
    source,
    basis
from decisions
order by customer_key, purpose, channel, decided_at desc, decision desc, consent_key
