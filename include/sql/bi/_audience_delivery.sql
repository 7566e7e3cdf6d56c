-- What became of the send_keys handed out between :handed_from and :handed_until, by audience and channel.
-- By the pushes of that time, so that the index finds their changes among all that are kept.
with

pushes as (
    select
        sync_id,
        pushed_at
    from marketing.audience_sync
    where pushed_at >= :handed_from
),

announced as (
    select
        change.send_key,
        change.campaign,
        change.channel,
        change.change,
        change.changed_at,
        change.sync_id
    from pushes
    inner join marketing.audience_change as change on pushes.sync_id = change.sync_id
),

-- A key is new with the push that issued it; what a later push only changed was counted then.
handed as (
    select
        announced.send_key,
        announced.campaign,
        announced.channel,
        announced.changed_at as handed_at
    from announced
    inner join marketing.issued_send_key as issued
        on announced.send_key = issued.send_key and announced.sync_id = issued.sync_id
    where announced.change in ('added', 'updated') and announced.changed_at < :handed_until
),

given as (
    select handed.*
    from handed
    where not exists (
        select 1
        from announced as removed
        where
            removed.send_key = handed.send_key
            and removed.change = 'removed'
            and removed.changed_at < handed.handed_at + cast(:grace as interval)
    )
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
    select given.channel
    from given
    inner join marketing.acknowledgement as acknowledgement on given.send_key = acknowledgement.send_key
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
