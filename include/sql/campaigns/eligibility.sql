-- campaigns.eligibility: one row per customer per as_of_date. What is known of a customer is joined once; each play is then an
-- expression over that one row, so that a play more costs no row more. What a slash and a star mark depends on the plays:
-- retention/campaigns/eligibility.py puts it in place, and where `in bucket` stands the range of keys that one statement of several takes.
with

plays as (
    select *
    from jsonb_to_recordset(cast(:plays as jsonb)) as play (
        position integer,
        word integer,
        bit bigint,
        play text,
        purpose text,
        channels integer,
        max_tries integer,
        tries_since text
    )
),

other_keys as (
    -- Everything that a person did or said under a key they had before a merge counts …
    select
        source_customer_key,
        customer_key
    from core.customer_alias
    where source_customer_key <> customer_key and /* in bucket: customer_key */ true
),

given_up as (
    -- … and not under that key any more.
    select source_customer_key
    from core.customer_alias
    where source_customer_key <> customer_key and /* in bucket: source_customer_key */ true
),

decisions as (
    -- The dating of privacy.consent_current, which is too slow to be read for everybody.
    select
        said_by.customer_key,
        said_by.purpose,
        said_by.channel,
        said_by.decision = 'withdrawn' as is_withdrawn,
        case
            when said_by.decided_at > said_by.recorded_at + interval '1 day' and said_by.decision = 'withdrawn'
                then said_by.recorded_at
            else said_by.decided_at
        end as decided_at
    from (
        select
            customer_key,
            purpose,
            channel,
            decision,
            decided_at,
            recorded_at
        from privacy.consent
        where
            /* in bucket: customer_key */ true
            and customer_key not in (select given_up.source_customer_key from given_up)
        union all
        select
            other_keys.customer_key,
            consent.purpose,
            consent.channel,
            consent.decision,
            consent.decided_at,
            consent.recorded_at
        from other_keys
        inner join privacy.consent on other_keys.source_customer_key = consent.customer_key
    ) as said_by
    where
        said_by.purpose in ('marketing', 'service', 'profiling')
        and (said_by.decision = 'withdrawn' or said_by.decided_at <= now() + interval '1 hour')
),

latest as (
    select
        customer_key,
        purpose,
        max(decided_at) filter (where not is_withdrawn and channel in ('email', 'all')) as email_granted_at,
        max(decided_at) filter (where is_withdrawn and channel in ('email', 'all')) as email_withdrawn_at,
        max(decided_at) filter (where not is_withdrawn and channel in ('sms', 'all')) as sms_granted_at,
        max(decided_at) filter (where is_withdrawn and channel in ('sms', 'all')) as sms_withdrawn_at,
        max(decided_at) filter (where not is_withdrawn and channel in ('phone', 'all')) as phone_granted_at,
        max(decided_at) filter (where is_withdrawn and channel in ('phone', 'all')) as phone_withdrawn_at,
        max(decided_at) filter (where not is_withdrawn and channel in ('wechat', 'all')) as wechat_granted_at,
        max(decided_at) filter (where is_withdrawn and channel in ('wechat', 'all')) as wechat_withdrawn_at,
        max(decided_at) filter (where not is_withdrawn and channel in ('app', 'all')) as app_granted_at,
        max(decided_at) filter (where is_withdrawn and channel in ('app', 'all')) as app_withdrawn_at,
        max(decided_at) filter (where not is_withdrawn and channel in ('post', 'all')) as post_granted_at,
        max(decided_at) filter (where is_withdrawn and channel in ('post', 'all')) as post_withdrawn_at
    from decisions
    group by customer_key, purpose
),

said as (
    -- The later decision holds, at one instant the withdrawal: that of any record of the person.
    select
        customer_key,
        purpose,
        case when email_granted_at > coalesce(email_withdrawn_at, '-infinity') then 1 else 0 end
        + case when sms_granted_at > coalesce(sms_withdrawn_at, '-infinity') then 2 else 0 end
        + case when phone_granted_at > coalesce(phone_withdrawn_at, '-infinity') then 4 else 0 end
        + case when wechat_granted_at > coalesce(wechat_withdrawn_at, '-infinity') then 8 else 0 end
        + case when app_granted_at > coalesce(app_withdrawn_at, '-infinity') then 16 else 0 end as granted,
        case when email_withdrawn_at >= coalesce(email_granted_at, '-infinity') then 1 else 0 end
        + case when sms_withdrawn_at >= coalesce(sms_granted_at, '-infinity') then 2 else 0 end
        + case when phone_withdrawn_at >= coalesce(phone_granted_at, '-infinity') then 4 else 0 end
        + case when wechat_withdrawn_at >= coalesce(wechat_granted_at, '-infinity') then 8 else 0 end
        + case when app_withdrawn_at >= coalesce(app_granted_at, '-infinity') then 16 else 0 end
        + case when post_withdrawn_at >= coalesce(post_granted_at, '-infinity') then 64 else 0 end as withdrawn
    from latest
),

consents as (
    -- Profiling has no channel of its own: whoever withdrew it anywhere is not profiled.
    -- Staff call: who refused service by telephone is left alone by them.
    select
        customer_key,
        coalesce(max(granted) filter (where purpose = 'marketing'), 0) as marketing_granted,
        coalesce(max(withdrawn | case when withdrawn & 4 <> 0 then 32 else 0 end) filter (where purpose = 'service'), 0)
            as service_withdrawn,
        coalesce(max(withdrawn) filter (where purpose = 'profiling'), 0) <> 0 as is_unprofiled
    from said
    group by customer_key
),

closed_addresses as (
    -- Somebody else who has the person's address said no there.
    select
        customer_key,
        coalesce(bit_or(channel_bit) filter (where purpose = 'marketing'), 0) as marketing_closed,
        coalesce(bit_or(channel_bit) filter (where purpose = 'service'), 0) as service_closed
    from (
        select
            customer_key,
            purpose,
            case channel
                when 'email' then 1 when 'sms' then 2 when 'phone' then 4 when 'wechat' then 8 when 'app' then 16 else 0
            end as channel_bit
        from privacy.consent_by_address
        where /* in bucket: customer_key */ true
    ) as refused
    group by customer_key
),

refused_plays as (
    -- From service messages one unsubscribes by play: plays and channels as flags, word by word.
    select
        refused.customer_key,
        /* refusals by play */
        true as is_refusing
    from privacy.campaign_refused as refused
    inner join plays on refused.campaign = plays.play and plays.purpose = 'service'
    where /* in bucket: refused.customer_key */ true
    group by refused.customer_key
),

deliveries as (
    select
        delivered.customer_key,
        plays.position,
        plays.word,
        plays.bit,
        plays.channels,
        plays.max_tries,
        plays.tries_since,
        delivered.as_of_date,
        delivered.send_key,
        delivered.period_key,
        case delivered.channel
            when 'email' then 1
            when 'sms' then 2
            when 'phone' then 4
            when 'wechat' then 8
            when 'app' then 16
            when 'staff' then 32
            else 0
        end as channel_bit,
        delivered.is_capped
        and delivered.as_of_date > cast(:as_of_date as date) - cast(:contact_cap_days as integer)
        and delivered.as_of_date < :as_of_date as is_recent,
        delivered.valid_until > :as_of and (delivered.removed_on is null or delivered.removed_on >= :as_of_date) as is_standing
    from (
        select
            customer_key,
            play,
            as_of_date,
            send_key,
            period_key,
            channel,
            is_capped,
            valid_until,
            removed_on
        from campaigns.delivery
        where
            /* in bucket: customer_key */ true
            and customer_key not in (select given_up.source_customer_key from given_up)
        union all
        select
            other_keys.customer_key,
            delivery.play,
            delivery.as_of_date,
            delivery.send_key,
            delivery.period_key,
            delivery.channel,
            delivery.is_capped,
            delivery.valid_until,
            delivery.removed_on
        from other_keys
        inner join campaigns.delivery on other_keys.source_customer_key = delivery.customer_key
    ) as delivered
    left join plays on delivered.play = plays.play
    where delivered.as_of_date <= :as_of_date
),

by_play as (
    select
        deliveries.customer_key,
        deliveries.position,
        min(deliveries.word) as word,
        min(deliveries.bit) as bit,
        min(deliveries.channels) as channels,
        -- The membership that the marketing database holds: 0 where it goes by a channel that nobody knows.
        case
            when deliveries.position is not null
                then
                    (
                        array_agg(deliveries.channel_bit order by deliveries.as_of_date desc, deliveries.send_key)
                        filter (where deliveries.is_standing)
                    )[1]
        end as standing_channel,
        coalesce(
            bool_or(
                deliveries.period_key
                = /* period of the play */ cast(null as text)
            ),
            false
        ) as is_received,
        count(*) filter (
            where
            deliveries.tries_since = 'ever'
            or attributes.last_order_at is null
            or deliveries.as_of_date > cast(attributes.last_order_at at time zone :business_timezone as date)
        ) >= coalesce(min(deliveries.max_tries), 2147483647) as is_stopped,
        count(*) filter (where deliveries.is_recent) as contacts,
        count(*) filter (where deliveries.is_recent and deliveries.channel_bit = 1) as email_contacts,
        count(*) filter (where deliveries.is_recent and deliveries.channel_bit = 2) as sms_contacts,
        count(*) filter (where deliveries.is_recent and deliveries.channel_bit = 4) as phone_contacts,
        count(*) filter (where deliveries.is_recent and deliveries.channel_bit = 8) as wechat_contacts,
        count(*) filter (where deliveries.is_recent and deliveries.channel_bit = 16) as app_contacts,
        count(*) filter (where deliveries.is_recent and deliveries.channel_bit = 32) as staff_contacts
    from deliveries
    inner join campaigns.customer_attributes as attributes
        on deliveries.customer_key = attributes.customer_key and attributes.as_of_date = :as_of_date
    where /* in bucket: attributes.customer_key */ true
    group by deliveries.customer_key, deliveries.position
),

history as (
    select
        customer_key,
        /* history by play */
        sum(contacts) >= cast(:contact_cap as integer) as is_capped,
        case when sum(email_contacts) < cast(:contact_cap_per_channel as integer) then 1 else 0 end
        + case when sum(sms_contacts) < cast(:contact_cap_per_channel as integer) then 2 else 0 end
        + case when sum(phone_contacts) < cast(:contact_cap_per_channel as integer) then 4 else 0 end
        + case when sum(wechat_contacts) < cast(:contact_cap_per_channel as integer) then 8 else 0 end
        + case when sum(app_contacts) < cast(:contact_cap_per_channel as integer) then 16 else 0 end
        + case when sum(staff_contacts) < cast(:contact_cap_per_channel as integer) then 32 else 0 end as room_channels
    from by_play
    group by customer_key
),

universal as (
    select customer_key
    from campaigns.holdout
    where
        play = '*'
        and period_key = :universal_period
        and /* in bucket: customer_key */ true
        and customer_key not in (select given_up.source_customer_key from given_up)
    union
    select other_keys.customer_key
    from other_keys
    inner join campaigns.holdout on other_keys.source_customer_key = holdout.customer_key
    where holdout.play = '*' and holdout.period_key = :universal_period
),

known as (
    -- `offset 0` keeps what is computed here from being computed again in every play's expression.
    select
        attributes.*,
        case when attributes.has_email then 1 else 0 end
        + case when attributes.has_phone then 2 + 4 else 0 end
        + case when attributes.has_wechat then 8 else 0 end
        + case when attributes.has_app then 16 else 0 end
        + 32 as address_channels,
        coalesce(consents.marketing_granted, 0) & ~coalesce(closed_addresses.marketing_closed, 0) as permitted_marketing,
        63 & ~coalesce(consents.service_withdrawn, 0) & ~coalesce(closed_addresses.service_closed, 0) as permitted_service,
        coalesce(history.room_channels, case when cast(:contact_cap_per_channel as integer) > 0 then 63 else 0 end)
            as room_channels,
        coalesce(history.is_capped, cast(:contact_cap as integer) <= 0) as is_capped,
        case when coalesce(consents.is_unprofiled, false) then 16 else 0 end as rule_profiling,
        case
            when
                attributes.count_open_complaints > 0
                or attributes.days_since_complaint_resolved <= cast(:complaint_hold_days as integer)
                then 32
            else 0
        end
        + case when tag.is_promotion_barred then 1048576 else 0 end as rules_of_promotion,
        case when attributes.is_erased then 1 else 0 end
        + case when attributes.is_suppressed then 2 else 0 end
        + case when attributes.is_test or attributes.is_staff then 4 else 0 end
        + case when tag.is_legal_hold then 4096 else 0 end as rules_of_person,
        not attributes.is_test
        and not attributes.is_staff
        and (
            universal.customer_key is not null
            or (cast(:universal_control_share as double precision) > 0
            and /* universal bucket */ 0.0 < /* universal threshold */ 0.0)
        ) as is_universal_control,
        /* history columns */
        /* refusal columns */
        attributes.as_of_date as known_on
    from campaigns.customer_attributes as attributes
    left join consents on attributes.customer_key = consents.customer_key
    left join closed_addresses on attributes.customer_key = closed_addresses.customer_key
    left join history on attributes.customer_key = history.customer_key
    left join universal on attributes.customer_key = universal.customer_key
    left join refused_plays on attributes.customer_key = refused_plays.customer_key
    left join segments.tag as tag
        on attributes.customer_key = tag.customer_key and tag.as_of_date = :as_of_date and /* in bucket: tag.customer_key */ true
    where
        attributes.as_of_date = :as_of_date
        and /* in bucket: attributes.customer_key */ true
    offset 0 -- noqa: AM09
),

reached as (
    select
        known.*,
        /* reach by channels */
        known.as_of_date as reached_on
    from known
    offset 0 -- noqa: AM09
)

select
    attributes.as_of_date,
    attributes.customer_key,
    cast(:plays_version as bigint) as plays_version,
    attributes.address_channels,
    attributes.permitted_marketing,
    attributes.permitted_service,
    attributes.room_channels,
    attributes.is_universal_control,
    cast(array[/* masks */] as integer []) as failing_rules
from reached as attributes
