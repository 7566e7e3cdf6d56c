-- Resolved complaints of the last weeks with what their severity entitles to (:terms, from the plays) and what they got, as known at as_of.
with

terms as (
    select *
    from jsonb_to_recordset(cast(:terms as jsonb)) as term (
        severity text, amount_minor bigint, order_share double precision, ceiling_minor bigint, ceiling_share double precision
    )
),

cases as (
    select
        complaint.complaint_key,
        complaint.customer_key,
        complaint.order_key,
        complaint.resolved_at,
        complaint.compensation_minor,
        coalesce(complaint.severity, 'unknown') as severity,
        coalesce(complaint.responsible_team, 'unassigned') as team
    from core.complaint as complaint
    where
        complaint.valid_from < :as_of
        and (complaint.valid_to is null or complaint.valid_to >= :as_of)
        and (complaint.deleted_at is null or complaint.deleted_at >= :as_of)
        and complaint.resolved_at >= :weeks_from
        and complaint.resolved_at < :as_of
        and not exists (
            select 1
            from core.customer as customer
            where
                customer.customer_key = complaint.customer_key
                and customer.valid_to is null
                and customer.is_test
        )
),

-- What was paid, whatever came back since: a refund is part of the compensation, it does not make less of it due.
paid as (
    select
        entry.order_key,
        sum(entry.net_minor) as paid_minor
    from core.order_entry as entry
    where
        entry.order_key in (select order_key from cases where order_key is not null)
        and entry.kind = 'paid'
        and entry.happened_at < :as_of
        and (entry.deleted_at is null or entry.deleted_at >= :as_of)
    group by entry.order_key
),

handed_out as (
    select distinct delivery.period_key
    from campaigns.delivery as delivery
    where delivery.play = 'complaint_recovery' and delivery.as_of_date <= :as_of_date
),

owed as (
    select
        cases.*,
        terms.severity is not null as has_terms,
        cast(
            coalesce(terms.amount_minor, 0) + round(cast(coalesce(paid.paid_minor * terms.order_share, 0) as numeric)) as bigint
        ) as expected_minor,
        cast(
            greatest(
                coalesce(terms.ceiling_minor, 0) + round(cast(coalesce(paid.paid_minor * terms.ceiling_share, 0) as numeric)),
                coalesce(terms.amount_minor, 0) + round(cast(coalesce(paid.paid_minor * terms.order_share, 0) as numeric))
            ) as bigint
        ) as ceiling_minor,
        exists(
            select 1
            from handed_out
            where handed_out.period_key = cast(cases.complaint_key as text)
        ) as is_handed_out
    from cases
    left join terms on cases.severity = terms.severity
    left join paid on cases.order_key = paid.order_key
)

select
    complaint_key,
    customer_key,
    severity,
    team,
    resolved_at,
    cast(date_trunc('week', resolved_at at time zone :business_timezone) as date) as week_start,
    expected_minor,
    ceiling_minor,
    compensation_minor,
    case
        when not has_terms and compensation_minor is null then 'missing'
        when compensation_minor is null and is_handed_out then 'handed_out'
        when compensation_minor is null and resolved_at >= :pending_from then 'pending'
        when compensation_minor is null then 'missing'
        when compensation_minor < expected_minor then 'below'
        when compensation_minor > ceiling_minor and has_terms then 'above'
        else 'right'
    end as verdict
from owed
