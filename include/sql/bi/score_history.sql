-- with (security_barrier = true)
-- bi.score_history: predictions that have come due against what happened, date by date.
with

bucketed as (
    select
        kind,
        scored_as_of,
        matured_on,
        is_fallback,
        predicted,
        realised,
        case
            when kind = 'churn' then least(cast(floor(predicted * 10) as integer), 9)
            else ntile(5) over (partition by kind, scored_as_of order by predicted, customer_key) - 1
        end as bucket
    from scores.outcome
),

buckets as (
    select
        kind,
        scored_as_of,
        matured_on,
        bucket,
        bool_or(is_fallback) as is_fallback,
        count(*) as customers,
        avg(predicted) as predicted_mean,
        avg(realised) as realised_mean
    from bucketed
    group by kind, scored_as_of, matured_on, bucket
),

shown as (
    select
        buckets.*,
        buckets.customers >= coalesce(
            (select cast(setting.value as integer) from bi.setting as setting where setting.name = 'suppressed_group_size'), 10
        ) as is_shown
    from buckets
)

select
    kind as model,
    scored_as_of,
    matured_on,
    bucket,
    is_fallback,
    case when is_shown then customers end as customers,
    case when is_shown then predicted_mean end as predicted_mean,
    case when is_shown then realised_mean end as realised_mean
from shown
