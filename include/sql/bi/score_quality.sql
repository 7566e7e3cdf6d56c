-- with (security_barrier = true)
-- bi.score_quality: reliability of the scores as of the newest measurement.
with

newest as (
    select max(cast(slice_key as date)) as as_of_date
    from ops.published
    where table_name = 'bi.score_reliability'
),

buckets as (
    select
        reliability.*,
        reliability.customers >= coalesce(
            (select cast(setting.value as integer) from bi.setting as setting where setting.name = 'suppressed_group_size'), 10
        ) as is_shown
    from newest
    inner join bi.score_reliability as reliability on newest.as_of_date = reliability.as_of_date
)

select
    as_of_date,
    model,
    state,
    scored_as_of,
    matures_on,
    bucket,
    case when is_shown then customers end as customers,
    case when is_shown then predicted_mean end as predicted_mean,
    case when is_shown then realised_mean end as realised_mean
from buckets
