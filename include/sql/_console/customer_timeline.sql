-- What happened with one customer, newest first: no text that anybody wrote.
with

happened as (
    select
        entry.happened_at as at,
        case entry.kind when 'paid' then 'order' when 'cancelled' then 'cancellation' else 'refund' end as kind,
        entry.kind as what,
        header.channel,
        entry.net_minor as amount_minor,
        cast(entry.order_number as double precision) as value,
        cast(null as text) as old_value,
        cast(null as text) as new_value
    from core.order_entry as entry
    left join core.order_header as header on entry.order_key = header.order_key
    where entry.customer_key = :customer and entry.deleted_at is null and entry.kind <> 'corrected'

    union all

    select
        complaint.opened_at,
        'complaint',
        complaint.severity,
        complaint.channel,
        null,
        null,
        null,
        complaint.category
    from core.complaint as complaint
    where complaint.customer_key = :customer and complaint.valid_to is null and complaint.deleted_at is null

    union all

    select
        complaint.resolved_at,
        'complaint_resolved',
        complaint.severity,
        null,
        complaint.compensation_minor,
        complaint.satisfaction,
        null,
        complaint.category
    from core.complaint as complaint
    where
        complaint.customer_key = :customer
        and complaint.valid_to is null
        and complaint.deleted_at is null
        and complaint.resolved_at is not null

    union all

    select
        interaction.happened_at,
        'interaction',
        interaction.kind,
        interaction.channel,
        null,
        null,
        interaction.direction,
        interaction.category
    from core.interaction as interaction
    where interaction.customer_key = :customer and interaction.deleted_at is null

    union all

    select
        answer.happened_at,
        'survey',
        answer.instrument,
        null,
        null,
        cast(answer.score as double precision),
        null,
        null
    from core.survey_answer as answer
    where answer.customer_key = :customer and answer.deleted_at is null

    union all

    select
        delivery.delivered_at,
        'delivery',
        delivery.play,
        delivery.channel,
        null,
        null,
        null,
        delivery.offer
    from campaigns.delivery as delivery
    where delivery.customer_key = any(cast(:keys as bigint []))

    union all

    select
        event.happened_at,
        'campaign_event',
        event.kind,
        event.channel,
        null,
        null,
        null,
        event.campaign
    from core.campaign_event as event
    where event.customer_key = :customer and event.deleted_at is null

    union all

    select
        cast(move.as_of_date as timestamp) at time zone :business_timezone,
        'tier_move',
        move.reason,
        null,
        null,
        null,
        move.from_tier,
        move.to_tier
    from segments.tier_move as move
    where move.customer_key = :customer

    union all

    select
        cast(move.as_of_date as timestamp) at time zone :business_timezone,
        'stage_move',
        null,
        null,
        null,
        null,
        move.from_stage,
        move.to_stage
    from segments.lifecycle_move as move
    where move.customer_key = :customer

    union all

    select
        points.happened_at,
        'points',
        points.kind,
        null,
        null,
        points.points,
        null,
        null
    from core.points_entry as points
    where points.customer_key = :customer and points.deleted_at is null

    union all

    select
        referral.referred_at,
        'referral',
        case when referral.converted_at is null then 'open' else 'converted' end,
        null,
        referral.reward_minor,
        null,
        null,
        null
    from core.referral as referral
    where referral.customer_key = :customer and referral.deleted_at is null
)

select
    happened.*,
    count(*) over () as total
from happened
where happened.at is not null
order by happened.at desc, happened.kind asc
limit 200
