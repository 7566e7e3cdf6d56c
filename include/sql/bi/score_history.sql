-- with (security_barrier = true)
-- bi.score_history: predictions that have come due against what happened, date by date.
with

shown as (
    select
        buckets.*,
        buckets.customers >= coalesce(
            (select cast(setting.value as integer) from bi.setting as setting where setting.name = 'suppressed_group_size'), 10
        ) as is_shown
    from bi.score_bucket as buckets
)

select
    model,
    scored_as_of,
    matured_on,
    bucket,
    is_fallback,
    case when is_shown then customers end as customers,
    case when is_shown then predicted_mean end as predicted_mean,
    case when is_shown then realised_mean end as realised_mean
from shown
