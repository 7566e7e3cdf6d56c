-- with (security_barrier = true)
-- marketing.task_list: open staff tasks of people who may be called now. Everything that can say no is looked up at the moment of reading.
-- A view of one table, so that staff can mark a task done through it.
select
    task.send_key,
    task.campaign,
    task.customer_key,
    task.customer_id,
    task.purpose,
    task.state,
    task.priority,
    task.language,
    task.offer,
    task.offer_terms,
    task.due_from,
    task.due_until,
    task.due_until <= now() as is_overdue,
    task.account_owner,
    task.title_en,
    task.title_zh,
    task.talking_points_en,
    task.talking_points_zh,
    task.opening_minor,
    task.midpoint_minor,
    task.ceiling_minor,
    task.reasons_en,
    task.reasons_zh,
    task.joined_on,
    task.created_at
from marketing.staff_task as task
where
    task.state = 'open'
    and task.due_from <= now()
    -- A silent feed, no feed, or no stored limit shows nobody.
    and coalesce(
        (
            select
                min(feed.heartbeat_at) > now() - (
                    select cast(setting.value as double precision) * interval '1 hour'
                    from marketing.setting
                    where setting.name = 'consent_heartbeat_hours'
                )
            from marketing.consent_feed as feed
        ),
        false
    )
    -- Staff call: promotion needs a grant for it, service only that nobody said no.
    and coalesce(
        (
            select consent.decision
            from marketing.consent_state as consent
            where
                consent.customer_key = task.customer_key
                and consent.purpose = task.purpose
                and consent.channel in ('phone', 'all')
            order by consent.decided_at desc, consent.decision desc
            limit 1
        ),
        case when task.purpose = 'service' then 'granted' end,
        'unknown'
    ) = 'granted'
    and not exists (
        select 1
        from marketing.suppression
        where suppression.customer_key = task.customer_key
    )
    and not (
        task.uses_profiling
        and coalesce(
            (
                select profiling.decision
                from marketing.consent_state as profiling
                where
                    profiling.customer_key = task.customer_key
                    and profiling.purpose = 'profiling'
                    and profiling.channel in ('phone', 'all')
                order by profiling.decided_at desc, profiling.decision desc
                limit 1
            ),
            'granted'
        ) = 'withdrawn'
    )
    -- An unsubscribe counts before the pipeline has read it, unless the person decided anew since. From service one unsubscribes by campaign.
    and not exists (
        select 1
        from marketing.campaign_event as event
        where
            event.customer_key = task.customer_key
            and event.kind in ('unsubscribed', 'complained')
            and (event.channel in ('phone', 'all') or event.channel not in ('email', 'sms', 'phone', 'wechat', 'app', 'post'))
            and (task.purpose <> 'service' or event.campaign = task.campaign)
            and not exists (
                select 1
                from marketing.consent_state as since
                where
                    since.customer_key = task.customer_key
                    and since.purpose = task.purpose
                    and since.channel in ('phone', 'all')
                    and since.decision = 'granted'
                    and since.decided_at > event.occurred_at
            )
    )
    -- One opt-out by number binds everybody who has the number.
    and not exists (
        select 1
        from marketing.shared_address as mine
        inner join marketing.address_refusal as refusal
            on mine.address_hash = refusal.address_hash and mine.channel = refusal.channel
        where
            mine.customer_key = task.customer_key
            and mine.channel = 'phone'
            and refusal.customer_key <> mine.customer_key
            and refusal.purpose = task.purpose
            and (
                refusal.is_held
                or not exists (
                    select 1
                    from marketing.consent_state as own
                    where
                        own.customer_key = task.customer_key
                        and own.purpose = task.purpose
                        and own.channel in ('phone', 'all')
                        and own.decision = 'granted'
                        and own.decided_at > refusal.refused_at
                )
            )
    )
