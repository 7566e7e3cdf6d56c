-- bi.score_reliability: predictions whose horizon has passed against what happened; one waiting row per model while none has.
-- A past day that was scored later, by a model that has learned from what came after that day, says nothing about reliability
-- and is left out; the rule of thumb without a champion learns nothing.
with recursive

newest as (
    select
        model,
        max(scored_as_of) as scored_as_of
    from bi.score_measure
    where matured_on <= :as_of_date
    group by model
),

-- From date to date by the index: the slices hold a million rows each.
churn_dates as (
    select min(as_of_date) as as_of_date
    from scores.churn
    union all
    select (select min(score.as_of_date) from scores.churn as score where score.as_of_date > churn_dates.as_of_date) as as_of_date
    from churn_dates
    where churn_dates.as_of_date is not null
),

clv_dates as (
    select min(as_of_date) as as_of_date
    from scores.clv
    union all
    select (select min(score.as_of_date) from scores.clv as score where score.as_of_date > clv_dates.as_of_date) as as_of_date
    from clv_dates
    where clv_dates.as_of_date is not null
),

repurchase_dates as (
    select min(as_of_date) as as_of_date
    from scores.repurchase
    union all
    select
        (
            select min(score.as_of_date) from scores.repurchase as score where score.as_of_date > repurchase_dates.as_of_date
        ) as as_of_date
    from repurchase_dates
    where repurchase_dates.as_of_date is not null
),

dates as (
    select
        'churn' as model,
        churn_dates.as_of_date as scored_as_of,
        one.horizon_days,
        one.model_version
    from churn_dates
    cross join lateral (
        select score.horizon_days, score.model_version from scores.churn as score
        where score.as_of_date = churn_dates.as_of_date
        order by score.customer_key
        limit 1
    ) as one
    union all
    select
        'clv' as model,
        clv_dates.as_of_date as scored_as_of,
        one.horizon_days,
        one.model_version
    from clv_dates
    cross join lateral (
        select score.horizon_days, score.model_version from scores.clv as score
        where score.as_of_date = clv_dates.as_of_date
        order by score.customer_key
        limit 1
    ) as one
    union all
    select
        horizon.model,
        repurchase_dates.as_of_date as scored_as_of,
        horizon.horizon_days,
        one.model_version
    from repurchase_dates
    cross join (values ('repurchase_30d', 30), ('repurchase_90d', 90)) as horizon (model, horizon_days)
    cross join lateral (
        select score.model_version from scores.repurchase as score
        where score.as_of_date = repurchase_dates.as_of_date
        order by score.customer_key
        limit 1
    ) as one
    union all
    select
        'renewal' as model,
        score.as_of_date as scored_as_of,
        max(score.decided_on) - score.as_of_date as horizon_days,
        max(score.model_version) as model_version
    from scores.renewal as score
    group by score.as_of_date
),

honest as (
    select
        dates.model,
        dates.scored_as_of,
        dates.scored_as_of + dates.horizon_days as matures_on
    from dates
    left join ops.model as model on dates.model_version = model.model_version
    where dates.scored_as_of <= :as_of_date and coalesce(model.labels_until <= dates.scored_as_of, true)
),

waiting as (
    select
        listed.model,
        min(honest.scored_as_of) as scored_as_of,
        min(honest.matures_on) as matures_on
    from (values ('churn'), ('clv'), ('repurchase_30d'), ('repurchase_90d'), ('renewal')) as listed (model)
    left join honest on listed.model = honest.model
    where not exists (select 1 from newest where newest.model = listed.model)
    group by listed.model
)

select
    :as_of_date as as_of_date,
    bucket.model,
    bucket.bucket,
    'matured' as state,
    bucket.scored_as_of,
    bucket.matured_on as matures_on,
    bucket.customers,
    bucket.predicted_mean,
    bucket.realised_mean
from newest
inner join bi.score_bucket as bucket on newest.model = bucket.model and newest.scored_as_of = bucket.scored_as_of
union all
select
    :as_of_date as as_of_date,
    waiting.model,
    0 as bucket,
    'waiting' as state,
    waiting.scored_as_of,
    waiting.matures_on,
    0 as customers,
    cast(null as double precision) as predicted_mean,
    cast(null as double precision) as realised_mean
from waiting
-- Who has no contracts is not told of renewals.
where waiting.model <> 'renewal' or waiting.scored_as_of is not null
