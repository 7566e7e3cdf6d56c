-- campaigns.decision: one row per play and customer whom the play's audience rule matches, per as_of_date.
-- `campaigns.candidate` stands for the audience rules compiled from include/plays (one SELECT per play); the plays' numbers arrive as
-- JSON. All rules are evaluated for everybody, so that the mask holds every reason and not only the first.
with

plays as (
    select *
    from jsonb_to_recordset(cast(:plays as jsonb)) as play (
        play text,
        kind text,
        purpose text,
        period text,
        priority integer,
        holdout_share double precision,
        is_capped boolean,
        rests_after_complaint boolean,
        uses_profiling boolean,
        valid_days integer,
        max_tries integer,
        content_key text
    )
),

play_channels as (
    select *
    from jsonb_to_recordset(cast(:channels as jsonb)) as channel (
        play text,
        channel text,
        preference integer,
        cost_minor bigint
    )
),

candidates as (
    select
        candidate.play,
        candidate.customer_key,
        case plays.period
            when 'once' then 'once'
            when 'month' then to_char(cast(:as_of_date as date), 'YYYY-MM')
            when 'year' then to_char(cast(:as_of_date as date), 'YYYY')
            else candidate.event_key
        end as period_key,
        candidate.offer,
        candidate.offer_terms,
        candidate.opening_minor,
        candidate.ceiling_minor,
        candidate.reasons_en,
        candidate.reasons_zh
    from campaigns.candidate as candidate
    inner join plays on candidate.play = plays.play
),

deliveries as (
    -- Receipts under the person's present key, so that a merge of two records is no second chance.
    select
        coalesce(alias.customer_key, delivery.customer_key) as customer_key,
        delivery.play,
        delivery.send_key,
        delivery.period_key,
        delivery.channel,
        delivery.is_capped,
        delivery.offer,
        delivery.offer_terms,
        delivery.content_key,
        delivery.service_tier,
        delivery.lifecycle_stage,
        delivery.churn_band,
        delivery.value_band,
        delivery.reasons_en,
        delivery.reasons_zh,
        delivery.as_of_date,
        delivery.valid_from,
        delivery.valid_until,
        -- Staff tasks carry no bands: theirs are always today's.
        delivery.kind <> 'staff' as is_message,
        delivery.valid_until > :as_of and (delivery.removed_on is null or delivery.removed_on >= :as_of_date) as is_standing
    from campaigns.delivery
    left join core.customer_alias as alias on delivery.customer_key = alias.source_customer_key
    where delivery.as_of_date <= :as_of_date
),

memberships as (
    -- What the marketing database already holds and may go on holding: same key, same channel, same offer.
    select distinct on (play, customer_key) *
    from deliveries
    where is_standing
    order by play, customer_key, as_of_date desc, send_key
),

received as (
    select distinct
        play,
        customer_key,
        period_key
    from deliveries
),

tries as (
    select
        deliveries.play,
        deliveries.customer_key,
        count(*) as count_tries
    from deliveries
    inner join campaigns.customer_attributes as attributes
        on deliveries.customer_key = attributes.customer_key and attributes.as_of_date = :as_of_date
    where
        attributes.last_order_at is null
        or deliveries.as_of_date > cast(attributes.last_order_at at time zone :business_timezone as date)
    group by deliveries.play, deliveries.customer_key
),

contacts as (
    select
        customer_key,
        channel,
        count(*) as count_contacts
    from deliveries
    where
        is_capped
        and as_of_date > cast(:as_of_date as date) - cast(:contact_cap_days as integer)
        and as_of_date < :as_of_date
    group by customer_key, channel
),

contact_totals as (
    select
        customer_key,
        sum(count_contacts) as count_contacts
    from contacts
    group by customer_key
),

consents as (
    select
        coalesce(alias.customer_key, consent.customer_key) as customer_key,
        consent.purpose,
        consent.channel,
        -- Two records of one person: the later decision holds, at one instant the withdrawal.
        (array_agg(consent.decision order by consent.decided_at desc, consent.decision desc))[1] as decision
    from privacy.consent_current as consent
    left join core.customer_alias as alias on consent.customer_key = alias.source_customer_key
    group by 1, 2, 3
),

closed_addresses as (
    -- Somebody else who has the person's address said no there.
    select
        customer_key,
        purpose,
        channel
    from privacy.consent_by_address
),

profiling as (
    -- Profiling has no channel of its own: whoever withdrew it anywhere is not profiled.
    select distinct customer_key
    from consents
    where purpose = 'profiling' and decision = 'withdrawn'
),

holdouts as (
    select distinct
        holdout.play,
        holdout.period_key,
        coalesce(alias.customer_key, holdout.customer_key) as customer_key
    from campaigns.holdout
    left join core.customer_alias as alias on holdout.customer_key = alias.source_customer_key
),

ways as (
    -- Every channel of the play for every candidate: is there an address, a permission, room under the cap.
    select
        candidates.play,
        candidates.customer_key,
        play_channels.channel,
        play_channels.preference,
        play_channels.cost_minor,
        case play_channels.channel
            when 'email' then attributes.has_email
            when 'sms' then attributes.has_phone
            when 'phone' then attributes.has_phone
            when 'wechat' then attributes.has_wechat
            when 'app' then attributes.has_app
            when 'staff' then true
            else false
        end as has_address,
        case
            when plays.purpose = 'service' then coalesce(consents.decision, 'granted') = 'granted'
            else coalesce(consents.decision, 'withdrawn') = 'granted'
        end
        and closed_addresses.customer_key is null as is_permitted,
        not plays.is_capped
        or coalesce(contacts.count_contacts, 0) < cast(:contact_cap_per_channel as integer) as has_room
    from candidates
    inner join plays on candidates.play = plays.play
    inner join play_channels on candidates.play = play_channels.play
    inner join campaigns.customer_attributes as attributes
        on candidates.customer_key = attributes.customer_key and attributes.as_of_date = :as_of_date
    left join consents
        on candidates.customer_key = consents.customer_key
        and plays.purpose = consents.purpose
        and play_channels.channel = consents.channel
    left join closed_addresses
        on candidates.customer_key = closed_addresses.customer_key
        and plays.purpose = closed_addresses.purpose
        and play_channels.channel = closed_addresses.channel
    left join contacts
        on candidates.customer_key = contacts.customer_key and play_channels.channel = contacts.channel
),

reach as (
    select
        play,
        customer_key,
        bool_or(has_address) as has_address,
        bool_or(is_permitted) as is_permitted,
        bool_or(has_address and is_permitted) as is_reachable,
        bool_or(has_address and is_permitted and has_room) as has_room,
        (array_agg(channel order by preference) filter (where has_address and is_permitted and has_room))[1] as channel,
        -- A membership keeps its channel, and ends when that channel closes.
        coalesce(array_agg(channel) filter (where has_address and is_permitted), '{}') as open_channels
    from ways
    group by play, customer_key
),

judged as (
    select
        candidates.play,
        candidates.customer_key,
        candidates.period_key,
        candidates.opening_minor,
        candidates.ceiling_minor,
        plays.kind,
        plays.purpose,
        plays.uses_profiling,
        plays.is_capped,
        plays.priority,
        membership.send_key is not null as is_member,
        coalesce(membership.as_of_date, :as_of_date) as joined_on,
        coalesce(membership.period_key, candidates.period_key) as held_period_key,
        case when membership.send_key is null then reach.channel else membership.channel end as channel,
        membership.send_key as held_send_key,
        coalesce(membership.offer, candidates.offer) as offer,
        coalesce(membership.offer_terms, candidates.offer_terms) as offer_terms,
        case when membership.is_message then membership.content_key else plays.content_key end as content_key,
        coalesce(membership.valid_from, :as_of) as valid_from,
        coalesce(membership.valid_until, cast(:as_of as timestamptz) + plays.valid_days * interval '1 day') as valid_until,
        coalesce(membership.reasons_en, candidates.reasons_en) as reasons_en,
        coalesce(membership.reasons_zh, candidates.reasons_zh) as reasons_zh,
        case when membership.is_message then membership.service_tier else attributes.service_tier end as service_tier,
        case
            when membership.is_message then membership.lifecycle_stage else attributes.lifecycle_stage
        end as lifecycle_stage,
        case
            when membership.is_message then membership.churn_band
            when attributes.churn_probability < 0.25 then 'low'
            when attributes.churn_probability < 0.5 then 'middle'
            when attributes.churn_probability >= 0.5 then 'high'
        end as churn_band,
        case
            when membership.is_message then membership.value_band
            when attributes.value_class in ('strategic', 'growth') then 'high'
            when attributes.value_class in ('base', 'marginal') then 'low'
        end as value_band,
        attributes.language,
        draw.bucket as holdout_bucket,
        membership.send_key is null
        and (draw.bucket < plays.holdout_share or holdouts.customer_key is not null) as is_control,
        case when attributes.is_erased then 1 else 0 end
        + case when attributes.is_suppressed then 2 else 0 end
        + case when attributes.is_test or attributes.is_staff then 4 else 0 end
        + case when not (case when reach.has_address then reach.is_reachable else reach.is_permitted end) then 8 else 0 end
        + case when plays.uses_profiling and profiling.customer_key is not null then 16 else 0 end
        + case
            when
                plays.rests_after_complaint
                and (
                    attributes.count_open_complaints > 0
                    or attributes.days_since_complaint_resolved <= cast(:complaint_hold_days as integer)
                )
                then 32
            else 0
        end
        + case when membership.send_key is null and received.customer_key is not null then 64 else 0 end
        + case when membership.send_key is null and tries.count_tries >= plays.max_tries then 128 else 0 end
        + case
            when
                plays.is_capped
                and membership.send_key is null
                and (
                    coalesce(contact_totals.count_contacts, 0) >= cast(:contact_cap as integer)
                    or (reach.is_reachable and not reach.has_room)
                )
                then 256
            else 0
        end
        + case
            when
                not reach.has_address
                or (membership.send_key is not null and reach.is_reachable and membership.channel <> all(reach.open_channels))
                then 512
            else 0
        end as failing_before_contest
    from candidates
    inner join plays on candidates.play = plays.play
    inner join campaigns.customer_attributes as attributes
        on candidates.customer_key = attributes.customer_key and attributes.as_of_date = :as_of_date
    inner join reach on candidates.play = reach.play and candidates.customer_key = reach.customer_key
    left join memberships as membership
        on candidates.play = membership.play and candidates.customer_key = membership.customer_key
    left join received
        on candidates.play = received.play
        and candidates.customer_key = received.customer_key
        and candidates.period_key = received.period_key
    left join tries on candidates.play = tries.play and candidates.customer_key = tries.customer_key
    left join contact_totals on candidates.customer_key = contact_totals.customer_key
    left join profiling on candidates.customer_key = profiling.customer_key
    left join holdouts
        on candidates.play = holdouts.play
        and candidates.period_key = holdouts.period_key
        and candidates.customer_key = holdouts.customer_key
    cross join lateral (
        select
            cast(
                cast(
                    cast(
                        'x' || substr(
                            encode(
                                sha256(
                                    convert_to(
                                        cast(:holdout_salt as text) || '|' || candidates.play || '|' || candidates.period_key
                                        || '|' || cast(candidates.customer_key as text),
                                        'UTF8'
                                    )
                                ),
                                'hex'
                            ),
                            1,
                            13
                        ) as bit(52)
                    ) as bigint
                ) as double precision
            ) / 4503599627370496 as bucket
    ) as draw
),

winners as (
    -- Who takes the customer's day: the promotional play of the greatest priority among those that begin today. When the day is
    -- planned again after its push, the play that was handed out keeps the customer: the tool may have sent it already.
    select distinct on (customer_key)
        customer_key,
        play,
        priority,
        is_member
    from judged
    where kind = 'promotional' and failing_before_contest = 0 and not is_control and joined_on = :as_of_date
    order by customer_key, is_member desc, priority desc, play
),

decided as (
    select
        judged.*,
        case when is_beaten.beaten then winners.play end as beaten_by,
        judged.failing_before_contest
        + case when is_beaten.beaten then 1024 else 0 end
        + case when judged.is_control then 2048 else 0 end as failing_rules
    from judged
    left join winners
        on judged.customer_key = winners.customer_key
        and judged.play <> winners.play
        and judged.kind = 'promotional'
        and judged.joined_on = :as_of_date
    cross join lateral (
        select
            winners.play is not null
            and (
                (
                    winners.is_member
                    and not judged.is_member
                    and judged.failing_before_contest = 0
                    and not judged.is_control
                )
                or winners.priority > judged.priority
                or (winners.priority = judged.priority and winners.play < judged.play)
            ) as beaten
    ) as is_beaten
)

select
    cast(:as_of_date as date) as as_of_date,
    decided.play,
    decided.customer_key,
    case
        when decided.failing_rules = 0 then 'selected'
        when decided.failing_rules = 2048 then 'control'
        else 'excluded'
    end as state,
    (
        select exclusion_rule.rule
        from campaigns.exclusion_rule
        where exclusion_rule.bit & decided.failing_rules > 0
        order by exclusion_rule.position
        limit 1
    ) as first_failing_rule,
    decided.failing_rules,
    decided.beaten_by,
    decided.kind,
    decided.purpose,
    decided.uses_profiling,
    decided.is_capped,
    decided.held_period_key as period_key,
    decided.channel,
    case
        when decided.channel is not null
            then
                coalesce(
                    decided.held_send_key,
                    decided.play || '|' || decided.channel || '|' || decided.period_key || '|'
                    || cast(decided.customer_key as text)
                )
    end as send_key,
    decided.offer,
    decided.offer_terms,
    decided.content_key,
    decided.language,
    decided.priority,
    coalesce(play_channels.cost_minor, 0) as cost_minor,
    decided.valid_from,
    decided.valid_until,
    decided.joined_on,
    decided.service_tier,
    decided.lifecycle_stage,
    decided.churn_band,
    decided.value_band,
    decided.reasons_en,
    decided.reasons_zh,
    decided.opening_minor,
    decided.ceiling_minor,
    decided.holdout_bucket
from decided
left join play_channels on decided.play = play_channels.play and decided.channel = play_channels.channel
