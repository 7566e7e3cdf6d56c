-- Scored dates whose horizon has passed and that are not compared yet, or matured within the last days before as_of_date.
-- A date that was scored by a model which has learned from what came after it proves nothing and is left out.
-- Dates are found by stepping from one to the next, and rows are read of those dates alone that may be due: of the daily slices
-- most are dropped long before their horizon has passed.
with recursive

churn_dates (as_of_date) as (
    select min(as_of_date) from scores.churn
    union all
    select (select min(score.as_of_date) from scores.churn as score where score.as_of_date > before.as_of_date)
    from churn_dates as before
    where before.as_of_date is not null
),

clv_dates (as_of_date) as (
    select min(as_of_date) from scores.clv
    union all
    select (select min(score.as_of_date) from scores.clv as score where score.as_of_date > before.as_of_date)
    from clv_dates as before
    where before.as_of_date is not null
),

repurchase_dates (as_of_date) as (
    select min(as_of_date) from scores.repurchase
    union all
    select (select min(score.as_of_date) from scores.repurchase as score where score.as_of_date > before.as_of_date)
    from repurchase_dates as before
    where before.as_of_date is not null
),

dates as (
    select
        'churn' as kind,
        churn_dates.as_of_date as scored_as_of,
        one.horizon_days
    from churn_dates
    cross join lateral (
        select score.horizon_days
        from scores.churn as score
        where score.as_of_date = churn_dates.as_of_date
        order by score.customer_key
        limit 1
    ) as one
    union all
    select
        'clv' as kind,
        clv_dates.as_of_date as scored_as_of,
        one.horizon_days
    from clv_dates
    cross join lateral (
        select score.horizon_days
        from scores.clv as score
        where score.as_of_date = clv_dates.as_of_date
        order by score.customer_key
        limit 1
    ) as one
    union all
    select
        horizons.kind,
        repurchase_dates.as_of_date as scored_as_of,
        horizons.days as horizon_days
    from repurchase_dates
    cross join (values ('repurchase_30d', 30), ('repurchase_90d', 90)) as horizons (kind, days)
    where repurchase_dates.as_of_date is not null
    union all
    -- A date is compared when all its contracts are decided.
    select
        'renewal' as kind,
        score.as_of_date as scored_as_of,
        max(score.decided_on - score.as_of_date) as horizon_days
    from scores.renewal as score
    group by score.as_of_date
),

due as (
    select
        dates.kind,
        dates.scored_as_of,
        dates.horizon_days
    from dates
    where
        dates.scored_as_of < :as_of_date
        and dates.scored_as_of + dates.horizon_days <= :as_of_date
        and (
            dates.scored_as_of + dates.horizon_days > cast(:as_of_date as date) - cast(:late_days as integer)
            or not exists (
                select 1
                from scores.outcome as outcome
                where outcome.kind = dates.kind and outcome.scored_as_of = dates.scored_as_of
            )
        )
)

select
    due.kind,
    due.scored_as_of,
    due.horizon_days
from due
where
    not exists (
        select 1
        from ops.model as model
        where
            model.labels_until > due.scored_as_of
            and case due.kind
                when 'churn' then exists (
                    select 1
                    from scores.churn as score
                    where score.as_of_date = due.scored_as_of and score.model_version = model.model_version
                )
                when 'clv' then exists (
                    select 1
                    from scores.clv as score
                    where score.as_of_date = due.scored_as_of and score.model_version = model.model_version
                )
                when 'renewal' then exists (
                    select 1
                    from scores.renewal as score
                    where score.as_of_date = due.scored_as_of and score.model_version = model.model_version
                )
                else exists (
                    select 1
                    from scores.repurchase as score
                    where score.as_of_date = due.scored_as_of and score.model_version = model.model_version
                )
            end
    )
order by due.scored_as_of, due.kind
