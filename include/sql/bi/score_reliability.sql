-- bi.score_reliability: predictions whose horizon has passed against what happened; one waiting row per model while none has.
-- A past day that was scored later, by a model that has learned from what came after that day, says nothing about reliability
-- and is left out; the rule of thumb without a champion learns nothing.
with

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

newest as (
    select distinct on (model)
        model,
        scored_as_of,
        matures_on,
        cast(scored_as_of as timestamp) at time zone :business_timezone as starts_at,
        cast(matures_on as timestamp) at time zone :business_timezone as ends_at
    from dates
    where matures_on <= :as_of_date
    order by model, scored_as_of desc
),

churn as (
    select
        newest.model,
        newest.scored_as_of,
        newest.matures_on,
        least(cast(floor(score.churn_probability * 10) as integer), 9) as bucket,
        score.churn_probability as predicted,
        case
            when exists (
                select 1
                from core.order_entry as entry
                where
                    entry.customer_key = score.customer_key
                    and entry.happened_at >= newest.starts_at
                    and entry.happened_at < newest.ends_at
                    and (entry.deleted_at is null or entry.deleted_at >= :as_of)
                group by entry.order_key
                having sum(entry.order_count) > 0
            ) then 0
            else 1
        end as realised
    from newest
    inner join scores.churn as score on newest.scored_as_of = score.as_of_date
    where newest.model = 'churn'
),

clv as (
    select
        newest.model,
        newest.scored_as_of,
        newest.matures_on,
        ntile(5) over (order by score.clv_12m_minor, score.customer_key) - 1 as bucket,
        cast(score.clv_12m_minor as double precision) as predicted,
        (
            select coalesce(sum(entry.net_minor), 0)
            from core.order_entry as entry
            where
                entry.customer_key = score.customer_key
                and entry.happened_at >= newest.starts_at
                and entry.happened_at < newest.ends_at
                and (entry.deleted_at is null or entry.deleted_at >= :as_of)
        ) as realised
    from newest
    inner join scores.clv as score on newest.scored_as_of = score.as_of_date
    where newest.model = 'clv'
),

matured as (
    select model, scored_as_of, matures_on, bucket, predicted, realised from churn
    union all
    select model, scored_as_of, matures_on, bucket, predicted, realised from clv
),

waiting as (
    select
        listed.model,
        min(dates.scored_as_of) as scored_as_of,
        min(dates.matures_on) as matures_on
    from (values ('churn'), ('clv')) as listed (model)
    left join dates on listed.model = dates.model
    where not exists (select 1 from newest where newest.model = listed.model)
    group by listed.model
)

select
    :as_of_date as as_of_date,
    model,
    bucket,
    'matured' as state,
    scored_as_of,
    matures_on,
    count(*) as customers,
    avg(predicted) as predicted_mean,
    cast(avg(realised) as double precision) as realised_mean
from matured
group by model, bucket, scored_as_of, matures_on
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
