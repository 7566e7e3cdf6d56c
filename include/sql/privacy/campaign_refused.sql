-- privacy.campaign_refused: whom a service play leaves alone on a channel. From service messages one unsubscribes by campaign; what
-- the person grants later opens it again, as `permitted` in the marketing database says at the moment of reading.
with

refusals as (
    select
        coalesce(alias.customer_key, refusal.customer_key) as customer_key,
        refusal.campaign,
        channels.channel,
        max(refusal.refused_at) as refused_at
    from privacy.campaign_refusal as refusal
    left join core.customer_alias as alias on refusal.customer_key = alias.source_customer_key
    inner join (values ('email'), ('sms'), ('phone'), ('wechat'), ('app'), ('post')) as channels (channel)
        on refusal.channel in (channels.channel, 'all')
    group by 1, 2, 3
)

select
    refusals.customer_key,
    refusals.campaign,
    refusals.channel,
    refusals.refused_at
from refusals
where
    not exists (
        select 1
        from privacy.consent
        where
            consent.customer_key = refusals.customer_key
            and consent.purpose = 'service'
            and consent.channel in (refusals.channel, 'all')
            and consent.decision = 'granted'
            and consent.decided_at > refusals.refused_at
            and consent.decided_at <= now() + interval '1 hour'
    )
