-- What became of the send_keys handed out between :handed_from and :handed_until, by audience and channel.
with

announced as (
    select
        send_key,
        campaign,
        channel,
        change,
        changed_at
    from marketing.audience_change
    where changed_at >= :handed_from
),

handed as (
    select
        send_key,
        min(campaign) as campaign,
        min(channel) as channel,
        min(changed_at) as handed_at
    from announced
    where change in ('added', 'updated')
    group by send_key
    having min(changed_at) < :handed_until
),

-- Given out before the week and only changed in it: counted when it was new.
older as (
    select change.send_key
    from marketing.audience_change as change
    inner join handed on change.send_key = handed.send_key
    where change.changed_at < :handed_from
),

taken_back as (
    select announced.send_key
    from announced
    inner join handed on announced.send_key = handed.send_key
    where
        announced.change = 'removed'
        and announced.changed_at < handed.handed_at + cast(:grace as interval)
),

given as (
    select handed.*
    from handed
    where
        not exists (select 1 from older where older.send_key = handed.send_key)
        and not exists (select 1 from taken_back where taken_back.send_key = handed.send_key)
),

events as (
    select
        send_key,
        bool_or(kind in ('sent', 'delivered', 'opened', 'clicked', 'converted', 'complained', 'unsubscribed')) as is_sent,
        bool_or(kind = 'bounced') as is_bounced
    from marketing.campaign_event
    where recorded_at >= :handed_from and send_key is not null
    group by send_key
),

reporting as (
    select channel
    from marketing.campaign_event
    where recorded_at >= :compared_from
    union
    select change.channel
    from marketing.acknowledgement
    inner join marketing.audience_change as change on acknowledgement.send_key = change.send_key
    where acknowledgement.acknowledged_at >= :compared_from
)

select
    :as_of_date as as_of_date,
    given.campaign as play,
    given.channel,
    count(*) as handed_out,
    count(*) filter (where acknowledgement.send_key is not null) as acknowledged,
    count(*) filter (where events.is_sent) as sent,
    count(*) filter (where events.is_bounced) as bounced,
    count(*) filter (where acknowledgement.send_key is null and events.send_key is null) as silent,
    bool_or(reporting.channel is not null) as is_reporting
from given
left join reporting on given.channel = reporting.channel
left join marketing.acknowledgement as acknowledgement on given.send_key = acknowledgement.send_key
left join events on given.send_key = events.send_key
group by given.campaign, given.channel
order by given.campaign, given.channel
