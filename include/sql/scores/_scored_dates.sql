-- The dates that are kept of each kind of score, with horizon and model. From date to date by the index, and one row of each: the slices
-- hold a million rows, and only those of renewals, which are few, are read whole. Stands for `scored.dates` in other queries.
with recursive

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
)

select
    'churn' as kind,
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
    'clv' as kind,
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
    horizon.kind,
    repurchase_dates.as_of_date as scored_as_of,
    horizon.horizon_days,
    one.model_version
from repurchase_dates
cross join (values ('repurchase_30d', 30), ('repurchase_90d', 90)) as horizon (kind, horizon_days)
cross join lateral (
    select score.model_version from scores.repurchase as score
    where score.as_of_date = repurchase_dates.as_of_date
    order by score.customer_key
    limit 1
) as one
union all
select
    'renewal' as kind,
    score.as_of_date as scored_as_of,
    max(score.decided_on) - score.as_of_date as horizon_days,
    max(score.model_version) as model_version
from scores.renewal as score
group by score.as_of_date
