-- bi.control_contamination: one row per play per as_of_date.
with

-- Most records are a person of their own: only the others are looked up.
merged as materialized (
    select
        source_customer_key,
        customer_key
    from core.customer_alias
    where source_customer_key <> customer_key
),

pushed_days as (
    select distinct business_date + 1 as as_of_date
    from campaigns.push_receipt
),

promotional as (
    select distinct play
    from campaigns.play
    where kind = 'promotional'
),

controls as (
    select
        holdout.play,
        holdout.period_key,
        coalesce(alias.customer_key, holdout.customer_key) as customer_key,
        min(holdout.assigned_on) as assigned_on
    from campaigns.holdout as holdout
    inner join pushed_days on holdout.assigned_on = pushed_days.as_of_date
    left join merged as alias on holdout.customer_key = alias.source_customer_key
    where
        holdout.assigned_on < :as_of_date
        and (holdout.assigned_on >= :earliest_date or (holdout.play = '*' and holdout.period_key = :universal_period))
    group by holdout.play, holdout.period_key, coalesce(alias.customer_key, holdout.customer_key)
),

deliveries as (
    select
        delivery.play,
        delivery.period_key,
        delivery.kind,
        coalesce(alias.customer_key, delivery.customer_key) as customer_key,
        delivery.as_of_date
    from campaigns.delivery as delivery
    left join merged as alias on delivery.customer_key = alias.source_customer_key
    where
        delivery.as_of_date < :as_of_date
        and delivery.as_of_date >= least(cast(:earliest_date as date), cast(date_trunc('year', cast(:as_of_date as date)) as date))
),

handed_out as (
    select
        controls.play,
        controls.period_key,
        controls.customer_key,
        bool_or(
            (controls.play = '*' and deliveries.kind = 'promotional' and deliveries.as_of_date >= controls.assigned_on)
            or (deliveries.play = controls.play and deliveries.period_key = controls.period_key)
        ) as is_handed_out,
        bool_or(
            controls.play <> '*'
            and deliveries.kind = 'promotional'
            and deliveries.play <> controls.play
            and deliveries.as_of_date >= controls.assigned_on
            and deliveries.as_of_date < controls.assigned_on + cast(:outcome_days as integer)
        ) as is_otherwise_contacted
    from controls
    inner join deliveries on controls.customer_key = deliveries.customer_key
    group by controls.play, controls.period_key, controls.customer_key
),

contacted as (
    select distinct
        controls.play,
        controls.period_key,
        controls.customer_key
    from controls
    inner join core.campaign_event as event
        on controls.customer_key = event.customer_key
        and event.happened_at >= cast(controls.assigned_on as timestamp) at time zone :business_timezone
        and event.happened_at < :as_of
        and (event.deleted_at is null or event.deleted_at >= :as_of)
        and event.kind in ('sent', 'delivered', 'opened', 'clicked', 'converted')
    left join promotional on event.campaign = promotional.play
    where
        (controls.play = '*' and promotional.play is not null)
        or (
            event.campaign = controls.play
            and event.happened_at
            < cast(controls.assigned_on + cast(:outcome_days as integer) as timestamp) at time zone :business_timezone
        )
),

found as (
    select
        controls.play,
        coalesce(handed_out.is_handed_out, false) as is_handed_out,
        contacted.customer_key is not null as is_contacted,
        coalesce(handed_out.is_otherwise_contacted, false) as is_otherwise_contacted
    from controls
    left join handed_out
        on controls.play = handed_out.play
        and controls.period_key = handed_out.period_key
        and controls.customer_key = handed_out.customer_key
    left join contacted
        on controls.play = contacted.play
        and controls.period_key = contacted.period_key
        and controls.customer_key = contacted.customer_key
),

counted as (
    select
        play,
        count(*) as control_customers,
        count(*) filter (where is_handed_out) as handed_out,
        count(*) filter (where is_contacted) as contacted,
        count(*) filter (where is_handed_out or is_contacted) as contaminated,
        count(*) filter (where is_otherwise_contacted) as otherwise_contacted
    from found
    group by play
)

select
    cast(:as_of_date as date) as as_of_date,
    play,
    control_customers,
    handed_out,
    contacted,
    contaminated,
    contaminated / cast(control_customers as double precision) as contaminated_share,
    otherwise_contacted,
    case
        when contaminated = 0 then 'clean'
        when contaminated * 100 > control_customers then 'contaminated'
        else 'traces'
    end as verdict
from counted
