-- campaigns.decision: one row per play and customer who is contacted or kept back as control, per as_of_date: channel, offer, content,
-- reasons. A membership that the marketing database holds goes on under its key, with the offer and the reasons it was given with.
-- What a slash and a star mark depends on the plays: retention/campaigns/deciding.py puts it in place, and where `in bucket` stands the
-- range of keys that one statement of several takes.
with

plays as (
    select *
    from jsonb_to_recordset(cast(:plays as jsonb)) as play (
        position integer,
        play text,
        kind text,
        purpose text,
        priority integer,
        is_capped boolean,
        uses_profiling boolean,
        keeps_quiet_hours boolean,
        valid_days integer,
        content_key text
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

zones as (
    -- When the quiet hours end that the day begins in, where the customer is. Without a known zone it is the company's.
    select
        zone.region,
        zone.time_zone,
        case
            when hours.is_quiet and hours.time_of_day >= hours.quiet_until
                then (hours.local_day + 1 + hours.quiet_until) at time zone zone.time_zone
            when hours.is_quiet then (hours.local_day + hours.quiet_until) at time zone zone.time_zone
            else :as_of
        end as valid_from
    from jsonb_to_recordset(cast(:zones as jsonb)) as zone (region text, time_zone text)
    cross join lateral (
        select
            cast(cast(:as_of as timestamptz) at time zone zone.time_zone as date) as local_day,
            cast(cast(:as_of as timestamptz) at time zone zone.time_zone as time) as time_of_day,
            cast(:quiet_from as time) as quiet_from,
            cast(:quiet_until as time) as quiet_until
    ) as clock
    cross join lateral (
        select
            clock.*,
            case
                when clock.quiet_from < clock.quiet_until
                    then clock.time_of_day >= clock.quiet_from and clock.time_of_day < clock.quiet_until
                when clock.quiet_from > clock.quiet_until
                    then clock.time_of_day >= clock.quiet_from or clock.time_of_day < clock.quiet_until
                else false
            end as is_quiet
    ) as hours
),

chosen as (
    select
        contender.*,
        case when contender.verdict = 'control' then 'control' else 'selected' end as state
    from campaigns.contender as contender
    where
        contender.as_of_date = :as_of_date
        and contender.verdict in ('chosen', 'standing', 'exempt', 'control')
        and /* in bucket: contender.customer_key */ true
),

told as (
    select
        chosen.*,
        plays.play,
        plays.kind,
        plays.purpose,
        plays.priority,
        plays.is_capped,
        plays.uses_profiling,
        plays.valid_days,
        held.send_key is not null and held.kind <> 'staff' as is_held_message,
        plays.keeps_quiet_hours and plays.kind <> 'staff' and cast(:quiet_from as time) <> cast(:quiet_until as time)
            as keeps_quiet_hours,
        coalesce(zones.time_zone, company.time_zone) as time_zone,
        coalesce(zones.valid_from, company.valid_from) as quiet_until,
        play_channels.channel as channel_name,
        play_channels.cost_minor as touch_cost_minor,
        held.valid_from as held_from,
        held.valid_until as held_until,
        held.service_tier as held_tier,
        held.lifecycle_stage as held_stage,
        held.churn_band as held_churn_band,
        held.value_band as held_value_band,
        attributes.language,
        attributes.service_tier,
        attributes.lifecycle_stage,
        attributes.churn_probability,
        attributes.value_class,
        case when held.kind <> 'staff' then held.content_key else plays.content_key end as content_key,
        case when held.send_key is not null then held.offer else /* offer */ '' end as offer,
        case when held.send_key is not null then held.offer_terms else /* offer terms */ '' end as offer_terms,
        /* opening */ cast(null as bigint) as opening_minor,
        /* ceiling */ cast(null as bigint) as ceiling_minor,
        case when held.send_key is not null then held.reasons_en else /* reasons in English */ '' end as reasons_en,
        case when held.send_key is not null then held.reasons_zh else /* reasons in Chinese */ '' end as reasons_zh
    from chosen
    inner join plays on chosen.position = plays.position
    inner join campaigns.customer_attributes as attributes
        on chosen.customer_key = attributes.customer_key and attributes.as_of_date = :as_of_date
        and /* in bucket: attributes.customer_key */ true
    left join campaigns.delivery as held on chosen.send_key = held.send_key
    left join play_channels on chosen.position = play_channels.position and chosen.channel_number = play_channels.number
    left join zones on attributes.region = zones.region
    inner join zones as company on company.region is null
)

select
    told.as_of_date,
    told.play,
    told.customer_key,
    told.state,
    told.kind,
    told.purpose,
    told.uses_profiling,
    told.is_capped,
    told.period_key,
    told.channel_name as channel,
    told.send_key,
    told.offer,
    told.offer_terms,
    told.content_key,
    told.language,
    told.priority,
    told.touch_cost_minor as cost_minor,
    coalesce(told.held_from, case when told.keeps_quiet_hours then told.quiet_until else :as_of end) as valid_from,
    coalesce(told.held_until, cast(:as_of as timestamptz) + told.valid_days * interval '1 day') as valid_until,
    told.joined_on,
    case when told.is_held_message then told.held_tier else told.service_tier end as service_tier,
    case when told.is_held_message then told.held_stage else told.lifecycle_stage end as lifecycle_stage,
    case
        when told.is_held_message then told.held_churn_band
        when told.churn_probability < 0.25 then 'low'
        when told.churn_probability < 0.5 then 'middle'
        when told.churn_probability >= 0.5 then 'high'
    end as churn_band,
    case
        when told.is_held_message then told.held_value_band
        when told.value_class in ('strategic', 'growth') then 'high'
        when told.value_class in ('base', 'marginal') then 'low'
    end as value_band,
    told.reasons_en,
    told.reasons_zh,
    told.opening_minor,
    told.ceiling_minor,
    told.holdout_bucket,
    told.value_minor as expected_value_minor,
    told.cost_minor as expected_cost_minor,
    told.evidence,
    case when told.keeps_quiet_hours then cast(:quiet_until as time) end as not_before,
    case when told.keeps_quiet_hours then cast(:quiet_from as time) end as not_after,
    case when told.keeps_quiet_hours then told.time_zone end as time_zone
from told
