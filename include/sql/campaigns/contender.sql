-- campaigns.contender: one row per customer and play whom no rule keeps out, per as_of_date, before control groups, budgets and the
-- one promotion a day are settled. What a slash and a star mark depends on the plays: retention/campaigns/contending.py puts it in place.
-- Where `in bucket` stands it puts the range of keys that one statement of several takes.
with

plays as (
    select *
    from jsonb_to_recordset(cast(:plays as jsonb)) as play (
        position integer,
        play text,
        kind text,
        purpose text,
        is_capped boolean,
        holdout_share double precision
    )
),

play_channels as (
    select *
    from jsonb_to_recordset(cast(:channels as jsonb)) as channel (
        position integer,
        number integer,
        channel text,
        cost_minor bigint
    )
),

thresholds as (
    -- Fitted per service tier, so that each holds back its share (retention/campaigns/stratifying.py); elsewhere the share holds.
    select *
    from jsonb_to_recordset(cast(:thresholds as jsonb)) as threshold (
        position integer,
        service_tier text,
        threshold double precision
    )
),

other_keys as (
    -- What a person had under a key they had before a merge is theirs …
    select
        source_customer_key,
        customer_key
    from core.customer_alias
    where source_customer_key <> customer_key and /* in bucket: customer_key */ true
),

given_up as (
    -- … and not that key's any more.
    select source_customer_key
    from core.customer_alias
    where source_customer_key <> customer_key and /* in bucket: source_customer_key */ true
),

refused_plays as (
    select
        refused.customer_key,
        plays.position,
        bit_or(
            case refused.channel
                when 'email' then 1 when 'sms' then 2 when 'phone' then 4 when 'wechat' then 8 when 'app' then 16 else 0
            end
        ) as channels
    from privacy.campaign_refused as refused
    inner join plays on refused.campaign = plays.play and plays.purpose = 'service'
    where /* in bucket: refused.customer_key */ true
    group by refused.customer_key, plays.position
),

matched as (
    select
        eligibility.customer_key,
        eligibility.address_channels & eligibility.permitted_marketing as usable_marketing,
        eligibility.address_channels & eligibility.permitted_service & ~coalesce(refused_plays.channels, 0) as usable_service,
        eligibility.room_channels,
        listed.position
    from campaigns.eligibility as eligibility
    cross join lateral unnest(array_positions(eligibility.failing_rules, 0)) as listed (position)
    left join refused_plays
        on eligibility.customer_key = refused_plays.customer_key and listed.position = refused_plays.position
    where
        eligibility.as_of_date = :as_of_date
        and /* in bucket: eligibility.customer_key */ true
),

delivered as (
    -- What may still stand, or was handed out today.
    select
        customer_key,
        play,
        kind,
        send_key,
        period_key,
        channel,
        as_of_date,
        valid_until > :as_of and (removed_on is null or removed_on >= :as_of_date) as is_standing
    from campaigns.delivery
    where
        /* in bucket: customer_key */ true
        and as_of_date <= :as_of_date
        and (valid_until > :as_of or as_of_date = :as_of_date)
        and customer_key not in (select given_up.source_customer_key from given_up)
    union all
    select
        other_keys.customer_key,
        delivery.play,
        delivery.kind,
        delivery.send_key,
        delivery.period_key,
        delivery.channel,
        delivery.as_of_date,
        delivery.valid_until > :as_of and (delivery.removed_on is null or delivery.removed_on >= :as_of_date) as is_standing
    from other_keys
    inner join campaigns.delivery on other_keys.source_customer_key = delivery.customer_key
    where delivery.as_of_date <= :as_of_date and (delivery.valid_until > :as_of or delivery.as_of_date = :as_of_date)
),

memberships as (
    -- What the marketing database already holds and may go on holding: same key, same channel, same offer.
    select distinct on (plays.position, delivered.customer_key)
        plays.position,
        delivered.customer_key,
        delivered.send_key,
        delivered.period_key,
        delivered.channel,
        delivered.as_of_date
    from delivered
    inner join plays on delivered.play = plays.play
    where delivered.is_standing
    order by plays.position, delivered.customer_key, delivered.as_of_date desc, delivered.send_key
),

holdouts as (
    select
        plays.position,
        kept.period_key,
        kept.customer_key
    from (
        select
            play,
            period_key,
            customer_key
        from campaigns.holdout
        where
            /* in bucket: customer_key */ true
            and play <> '*'
            and customer_key not in (select given_up.source_customer_key from given_up)
        union
        select
            holdout.play,
            holdout.period_key,
            other_keys.customer_key
        from other_keys
        inner join campaigns.holdout on other_keys.source_customer_key = holdout.customer_key
        where holdout.play <> '*'
    ) as kept
    inner join plays on kept.play = plays.play
),

handed_out as (
    -- A promotion handed out today has its customer's day, also when its reason, or the play itself, has gone since: a tool may have sent
    -- it. A play that is planned no more has no position.
    select
        delivered.customer_key,
        min(plays.position) as position
    from delivered
    left join plays on delivered.play = plays.play
    where delivered.as_of_date = :as_of_date and delivered.kind = 'promotional'
    group by delivered.customer_key
),

placed as (
    -- `offset 0` here and below: what is computed is not computed again wherever it is used.
    select
        attributes.*,
        matched.position,
        memberships.send_key as held_send_key,
        coalesce(memberships.as_of_date, :as_of_date) as joined_on,
        coalesce(
            memberships.period_key,
            /* period of the play */ cast(null as text)
        ) as period_key,
        case
            when memberships.send_key is not null
                then
                    case memberships.channel
                        when 'email' then 0
                        when 'sms' then 1
                        when 'phone' then 2
                        when 'wechat' then 3
                        when 'app' then 4
                        when 'staff' then 5
                    end
            else /* first open channel */ 0
        end as channel_number,
        /* rung of the ladder */ 1 as rung
    from matched
    inner join campaigns.customer_attributes as attributes
        on matched.customer_key = attributes.customer_key and attributes.as_of_date = :as_of_date
        and /* in bucket: attributes.customer_key */ true
    left join memberships on matched.position = memberships.position and matched.customer_key = memberships.customer_key
    offset 0 -- noqa: AM09
),

priced as (
    select
        attributes.*,
        plays.play,
        plays.kind as play_kind,
        plays.holdout_share,
        play_channels.channel as channel_name,
        cast(coalesce(play_channels.cost_minor, 0) as double precision) as touch_cost_minor,
        /* expected cost of the offer */ cast(0 as double precision) as offer_cost_minor,
        /* bucket of the draw */ 0.0 as holdout_bucket
    from placed as attributes
    inner join plays on attributes.position = plays.position
    left join play_channels on attributes.position = play_channels.position and attributes.channel_number = play_channels.number
    offset 0 -- noqa: AM09
)

select
    cast(:as_of_date as date) as as_of_date,
    attributes.customer_key,
    attributes.position,
    attributes.channel_number,
    attributes.rung,
    attributes.period_key,
    coalesce(
        attributes.held_send_key,
        attributes.play || '|' || attributes.channel_name || '|' || attributes.period_key || '|'
        || cast(attributes.customer_key as text)
    ) as send_key,
    attributes.joined_on,
    attributes.held_send_key is null
    and (
        attributes.holdout_bucket < coalesce(thresholds.threshold, attributes.holdout_share)
        or holdouts.customer_key is not null
    ) as is_control,
    /* among the top */ false as is_top,
    /* expected value */ cast(0 as double precision) as value_minor,
    attributes.touch_cost_minor + attributes.offer_cost_minor as cost_minor,
    /* evidence */ 'priority' as evidence,
    attributes.holdout_bucket,
    case
        when attributes.joined_on < :as_of_date then 'standing'
        when attributes.held_send_key is not null then 'chosen' -- handed out today already
        when handed_out.customer_key is not null and attributes.play_kind = 'promotional' then 'beaten'
        else 'exempt'
    end as verdict,
    case
        when attributes.held_send_key is null and attributes.play_kind = 'promotional' then cast(handed_out.position as smallint)
    end as beaten_by
from priced as attributes
left join handed_out on attributes.customer_key = handed_out.customer_key
left join thresholds
    on attributes.position = thresholds.position
    and coalesce(attributes.service_tier, 'none') = thresholds.service_tier
left join holdouts
    on attributes.position = holdouts.position
    and attributes.period_key = holdouts.period_key
    and attributes.customer_key = holdouts.customer_key
