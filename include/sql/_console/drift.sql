-- Inputs and scores of the newest scored date beside their training, the worst first.
with

newest as (
    select
        kind,
        max(as_of_date) as as_of_date
    from ops.score_drift
    group by kind
)

select
    drift.kind,
    drift.as_of_date,
    drift.input_name,
    drift.stability_index,
    drift.null_share_training,
    drift.null_share_now,
    drift.level
from newest
inner join ops.score_drift as drift on newest.kind = drift.kind and newest.as_of_date = drift.as_of_date
order by
    drift.kind,
    case drift.level when 'stop' then 1 when 'warn' then 2 else 3 end,
    drift.stability_index desc nulls last,
    drift.input_name
