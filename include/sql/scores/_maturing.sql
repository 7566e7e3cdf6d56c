-- Scored dates whose horizon has passed and that are not compared yet, or matured within the last days before as_of_date.
-- A date that was scored by a model which has learned from what came after it proves nothing and is left out.
with

dates as (
    select
        'churn' as kind,
        score.as_of_date as scored_as_of,
        max(score.horizon_days) as horizon_days,
        coalesce(bool_and(model.labels_until <= score.as_of_date), true) as is_honest
    from scores.churn as score
    left join ops.model as model on score.model_version = model.model_version
    where score.as_of_date < :as_of_date
    group by score.as_of_date
    union all
    select
        'clv' as kind,
        score.as_of_date as scored_as_of,
        max(score.horizon_days) as horizon_days,
        coalesce(bool_and(model.labels_until <= score.as_of_date), true) as is_honest
    from scores.clv as score
    left join ops.model as model on score.model_version = model.model_version
    where score.as_of_date < :as_of_date
    group by score.as_of_date
    union all
    select
        horizons.kind,
        score.as_of_date as scored_as_of,
        max(horizons.days) as horizon_days,
        coalesce(bool_and(model.labels_until <= score.as_of_date), true) as is_honest
    from scores.repurchase as score
    cross join (values ('repurchase_30d', 30), ('repurchase_90d', 90)) as horizons (kind, days)
    left join ops.model as model on score.model_version = model.model_version
    where score.as_of_date < :as_of_date
    group by score.as_of_date, horizons.kind
    union all
    -- A date is compared when all its contracts are decided.
    select
        'renewal' as kind,
        score.as_of_date as scored_as_of,
        max(score.decided_on - score.as_of_date) as horizon_days,
        coalesce(bool_and(model.labels_until <= score.as_of_date), true) as is_honest
    from scores.renewal as score
    left join ops.model as model on score.model_version = model.model_version
    where score.as_of_date < :as_of_date
    group by score.as_of_date
)

select
    dates.kind,
    dates.scored_as_of,
    dates.horizon_days
from dates
where
    dates.is_honest
    and dates.scored_as_of + dates.horizon_days <= :as_of_date
    and (
        dates.scored_as_of + dates.horizon_days > cast(:as_of_date as date) - cast(:late_days as integer)
        or not exists (
            select 1
            from scores.outcome as outcome
            where outcome.kind = dates.kind and outcome.scored_as_of = dates.scored_as_of
        )
    )
order by dates.scored_as_of, dates.kind
