-- What a push changes: the staged members and staff tasks against those the database holds, one row per membership that joins, changes
-- or leaves, and per task that is new or has lost its reason.
-- A send_key is never handed out twice. When two records of a person turn out to be one, the membership moves to the surviving key
-- with the send_key it had: a removal and an update, no addition.
with

wanted as not materialized (
    select *
    from marketing.audience_stage
    where token = :token and kind <> 'staff'
),

held as not materialized (
    select *
    from marketing.campaign_audience
),

leaving as (
    select
        held.campaign,
        held.customer_key,
        held.send_key,
        held.kind,
        held.valid_until
    from held
    left join wanted on held.campaign = wanted.campaign and held.customer_key = wanted.customer_key
    where wanted.campaign is null
),

compared as (
    select
        wanted.campaign,
        wanted.customer_key,
        wanted.send_key,
        wanted.kind,
        held.send_key as held_send_key,
        held.valid_until as held_until,
        (
            wanted.customer_id is distinct from held.customer_id
            or wanted.kind is distinct from held.kind
            or wanted.purpose is distinct from held.purpose
            or wanted.uses_profiling is distinct from held.uses_profiling
            or wanted.channel is distinct from held.channel
            or wanted.offer is distinct from held.offer
            or wanted.offer_terms is distinct from held.offer_terms
            or wanted.content_key is distinct from held.content_key
            or wanted.language is distinct from held.language
            or wanted.priority is distinct from held.priority
            or wanted.valid_from is distinct from held.valid_from
            or wanted.valid_until is distinct from held.valid_until
            or wanted.not_before is distinct from held.not_before
            or wanted.not_after is distinct from held.not_after
            or wanted.time_zone is distinct from held.time_zone
            or wanted.service_tier is distinct from held.service_tier
            or wanted.lifecycle_stage is distinct from held.lifecycle_stage
            or wanted.churn_band is distinct from held.churn_band
            or wanted.value_band is distinct from held.value_band
            or wanted.reasons_en is distinct from held.reasons_en
            or wanted.reasons_zh is distinct from held.reasons_zh
            or wanted.joined_on is distinct from held.joined_on
        ) as differs,
        exists(
            select 1
            from marketing.issued_send_key as issued
            where issued.send_key = wanted.send_key
        ) as is_used,
        exists(
            select 1
            from leaving
            where leaving.send_key = wanted.send_key
        ) as is_moving
    from wanted
    left join held on wanted.campaign = held.campaign and wanted.customer_key = held.customer_key
)

select
    case
        when held_send_key is null and is_moving then 'moved'
        when held_send_key is null and is_used then 'refused'
        when held_send_key is null then 'added'
        when held_send_key = send_key then 'updated'
        -- A new membership in the place of one that has run out; before that, the one that stands is left alone.
        when held_until <= :as_of and not is_used then 'renewed'
        else 'refused'
    end as change,
    campaign,
    customer_key,
    send_key,
    kind,
    held_send_key is not null as is_held,
    false as is_expired,
    held_send_key is null and is_moving as is_moving
from compared
where held_send_key is distinct from send_key or differs
union all
select
    'removed' as change,
    campaign,
    customer_key,
    send_key,
    kind,
    true as is_held,
    valid_until <= :as_of as is_expired,
    exists(select 1 from wanted where wanted.send_key = leaving.send_key) as is_moving
from leaving
union all
-- A key handed out once makes no second task.
select
    'task_added' as change,
    stage.campaign,
    stage.customer_key,
    stage.send_key,
    stage.kind,
    false as is_held,
    false as is_expired,
    false as is_moving
from marketing.audience_stage as stage
where
    stage.token = :token
    and stage.kind = 'staff'
    and not exists (select 1 from marketing.issued_send_key as issued where issued.send_key = stage.send_key)
union all
select
    'task_withdrawn' as change,
    task.campaign,
    task.customer_key,
    task.send_key,
    'staff' as kind,
    true as is_held,
    task.due_until <= :as_of as is_expired,
    false as is_moving
from marketing.staff_task as task
left join marketing.audience_stage as stage on stage.token = :token and stage.kind = 'staff' and task.send_key = stage.send_key
where task.state = 'open' and stage.send_key is null
