-- with (security_barrier = true)
-- bi.score_segment: reliability of the scores by group of customers, small groups hidden.
with

shown as (
    select
        value.*,
        value.customers >= coalesce(
            (select cast(setting.value as integer) from bi.setting as setting where setting.name = 'suppressed_group_size'), 10
        ) as is_shown,
        value.scored_as_of = max(value.scored_as_of) over (partition by value.model) as is_newest
    from bi.score_segment_value as value
)

select
    model,
    scored_as_of,
    is_newest,
    dimension,
    member,
    case when is_shown then customers end as customers,
    case when is_shown then predicted_mean end as predicted_mean,
    case when is_shown then realised_mean end as realised_mean,
    case when is_shown then predicted_mean - realised_mean end as gap
from shown
