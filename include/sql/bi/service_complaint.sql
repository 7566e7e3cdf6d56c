-- with (security_barrier = true)
-- bi.service_complaint: cases with their clocks, as they are now, so that whoever answers sees what is burning. Text is left out;
-- topic and sentiment of it are in. A cause that was written once only may be a sentence about somebody: 'other'.
with

cases as (
    select
        complaint.complaint_key,
        complaint.customer_key,
        complaint.channel,
        complaint.category,
        coalesce(complaint.severity, 'unknown') as severity,
        coalesce(complaint.responsible_team, 'unassigned') as team,
        complaint.opened_at,
        complaint.acknowledged_at,
        complaint.first_replied_at,
        complaint.resolved_at,
        complaint.compensation_minor,
        complaint.satisfaction,
        complaint.root_cause,
        complaint.opened_at + make_interval(secs => 3600 * coalesce(
            (select cast(setting.value as double precision) from bi.setting as setting where setting.name = 'acknowledge_hours'), 1
        )) as acknowledge_due_at,
        complaint.opened_at + make_interval(secs => 3600 * coalesce(
            (select cast(setting.value as double precision) from bi.setting as setting where setting.name = 'first_reply_hours'), 24
        )) as reply_due_at
    from core.complaint as complaint
    where
        complaint.valid_to is null
        and complaint.deleted_at is null
        and (complaint.resolved_at is null or complaint.opened_at >= current_date - 365)
),

causes as (
    select complaint.root_cause
    from core.complaint as complaint
    where complaint.valid_to is null and complaint.opened_at >= current_date - 365
    group by complaint.root_cause
    having count(*) > 1
)

select
    cases.complaint_key,
    cases.customer_key,
    tier.service_tier,
    tier.service_tier_zh,
    coalesce(tier.is_at_risk, false) as is_at_risk,
    cases.channel,
    cases.category,
    label.topic,
    label.sentiment,
    cases.severity,
    cases.team,
    cases.opened_at,
    cases.acknowledged_at,
    cases.first_replied_at,
    cases.resolved_at,
    cases.acknowledge_due_at,
    cases.reply_due_at,
    case
        when cases.acknowledged_at <= cases.acknowledge_due_at then 'in_time'
        when cases.acknowledged_at is not null then 'late'
        when cases.resolved_at is not null then 'never'
        when current_timestamp > cases.acknowledge_due_at then 'overdue'
        else 'waiting'
    end as acknowledge_clock,
    case
        when cases.first_replied_at <= cases.reply_due_at then 'in_time'
        when cases.first_replied_at is not null then 'late'
        when cases.resolved_at is not null then 'never'
        when current_timestamp > cases.reply_due_at then 'overdue'
        else 'waiting'
    end as reply_clock,
    extract(epoch from cases.resolved_at - cases.opened_at) / 3600.0 as hours_to_resolve,
    cases.compensation_minor,
    cases.satisfaction,
    case when cases.root_cause is null then null when causes.root_cause is null then 'other' else cases.root_cause end as root_cause
from cases
left join causes on cases.root_cause = causes.root_cause
left join segments.tier as tier
    on
        tier.as_of_date = (
            select max(cast(published.slice_key as date))
            from ops.published as published
            where published.table_name = 'segments.tier'
        )
        and cases.customer_key = tier.customer_key
left join scores.text_label as label
    on
        label.as_of_date = (
            select max(cast(published.slice_key as date))
            from ops.published as published
            where published.table_name = 'scores.text_label'
        )
        and label.text_kind = 'complaint'
        and cases.complaint_key = label.text_key
