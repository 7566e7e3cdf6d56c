-- bi.score_reliability: predictions whose horizon has passed against what happened; one waiting row per model while none has.
-- A past day that was scored later, by a model that has learned from what came after that day, says nothing about reliability
-- and is left out; the rule of thumb without a champion learns nothing. `scored.dates` stands for the dates that are kept.
with

newest as (
    select
        model,
        max(scored_as_of) as scored_as_of
    from bi.score_measure
    where matured_on <= :as_of_date
    group by model
),

honest as (
    select
        dates.kind as model,
        dates.scored_as_of,
        dates.scored_as_of + dates.horizon_days as matures_on
    from scored.dates as dates
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
