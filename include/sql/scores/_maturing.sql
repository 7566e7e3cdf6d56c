-- Scored dates whose horizon has passed and that are not compared yet, or matured within the last days before as_of_date.
-- A date that was scored by a model which has learned from what came after it proves nothing and is left out.
-- Rows are read of those dates alone that may be due: of the daily slices most are dropped long before their horizon has passed.
-- `scored.dates` stands for the dates that are kept; renewals are compared when all contracts of a date are decided.
with

due as (
    select
        dates.kind,
        dates.scored_as_of,
        dates.horizon_days
    from scored.dates as dates
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
