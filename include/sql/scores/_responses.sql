-- How customers of a range of keys answered messages of the window, one row per customer and channel: messages sent, and those
-- among them that were opened, clicked or led to an order, each message once; whether one of them led to an unsubscription; and
-- the latest decision on marketing before as_of.
with

events as (
    select
        customer_key,
        channel,
        coalesce(send_key, campaign, cast(event_key as text)) as message,
        bool_or(kind in ('opened', 'clicked', 'converted')) as was_answered,
        bool_or(kind in ('unsubscribed', 'complained')) as was_given_up
    from core.campaign_event
    where
        customer_key between :first_key and :last_key
        and channel is not null
        and happened_at >= :since
        and happened_at < :as_of
        and (deleted_at is null or deleted_at >= :as_of)
    group by customer_key, channel, coalesce(send_key, campaign, cast(event_key as text))
),

messages as (
    select
        customer_key,
        channel,
        count(*) as count_messages,
        count(*) filter (where was_answered) as count_answered,
        bool_or(was_given_up) as was_given_up
    from events
    group by customer_key, channel
),

-- A decision on channel 'all' covers every channel; of two at the same instant the withdrawal holds.
decisions as (
    select distinct on (consent.customer_key, known.channel)
        consent.customer_key,
        known.channel,
        consent.decision
    from privacy.consent as consent
    inner join
        (values ('email'), ('sms'), ('phone'), ('wechat'), ('app'), ('post'), ('xiaohongshu')) as known (channel)
        on consent.channel in (known.channel, 'all')
    where
        consent.customer_key between :first_key and :last_key
        and consent.purpose = 'marketing'
        and consent.decided_at < :as_of
    order by consent.customer_key, known.channel, consent.decided_at desc, consent.decision desc
)

select
    coalesce(messages.customer_key, decisions.customer_key) as customer_key,
    coalesce(messages.channel, decisions.channel) as channel,
    coalesce(messages.count_messages, 0) as count_messages,
    coalesce(messages.count_answered, 0) as count_answered,
    coalesce(messages.was_given_up, false) as was_given_up,
    decisions.decision
from messages
full outer join decisions on messages.customer_key = decisions.customer_key and messages.channel = decisions.channel
