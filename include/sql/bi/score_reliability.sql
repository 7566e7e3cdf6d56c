-- bi.score_reliability: predictions whose horizon has passed against what happened; one waiting row per model while none has.
-- A past day that was scored later, by a model that has learned from what came after that day, says nothing about reliability
-- and is left out; the rule of thumb without a champion learns nothing.
with

newest as (
    select
        kind,
        max(scored_as_of) as scored_as_of
    from scores.outcome
    where matured_on <= :as_of_date
    group by kind
),

matured as (
    select
        outcome.kind as model,
        outcome.scored_as_of,
        outcome.matured_on,
        outcome.predicted,
        outcome.realised,
        case
            when outcome.kind = 'churn' then least(cast(floor(outcome.predicted * 10) as integer), 9)
            else ntile(5) over (partition by outcome.kind order by outcome.predicted, outcome.customer_key) - 1
        end as bucket
    from newest
    inner join scores.outcome as outcome on newest.kind = outcome.kind and newest.scored_as_of = outcome.scored_as_of
),

churn_dates as (
    select
        score.as_of_date as scored_as_of,
        score.as_of_date + max(score.horizon_days) as matures_on
    from scores.churn as score
    left join ops.model as model on score.model_version = model.model_version
    where score.as_of_date <= :as_of_date
    group by score.as_of_date
    having coalesce(bool_and(model.labels_until <= score.as_of_date), true)
),

clv_dates as (
    select
        score.as_of_date as scored_as_of,
        score.as_of_date + max(score.horizon_days) as matures_on
    from scores.clv as score
    left join ops.model as model on score.model_version = model.model_version
    where score.as_of_date <= :as_of_date
    group by score.as_of_date
    having coalesce(bool_and(model.labels_until <= score.as_of_date), true)
),

dates as (
    select 'churn' as model, scored_as_of, matures_on from churn_dates
    union all
    select 'clv' as model, scored_as_of, matures_on from clv_dates
),

waiting as (
    select
        listed.model,
        min(dates.scored_as_of) as scored_as_of,
        min(dates.matures_on) as matures_on
    from (values ('churn'), ('clv')) as listed (model)
    left join dates on listed.model = dates.model
    where not exists (select 1 from newest where newest.kind = listed.model)
    group by listed.model
)

select
    :as_of_date as as_of_date,
    model,
    bucket,
    'matured' as state,
    scored_as_of,
    matured_on as matures_on,
    count(*) as customers,
    avg(predicted) as predicted_mean,
    cast(avg(realised) as double precision) as realised_mean
from matured
group by model, bucket, scored_as_of, matured_on
union all
select
    :as_of_date as as_of_date,
    model,
    0 as bucket,
    'waiting' as state,
    scored_as_of,
    matures_on,
    0 as customers,
    cast(null as double precision) as predicted_mean,
    cast(null as double precision) as realised_mean
from waiting
