-- The measurements of the newest training of each kind: challenger, champion and baselines on the same customers.
with

newest as (
    select distinct on (kind)
        kind,
        model_version
    from ops.model_evaluation
    order by kind asc, measured_at desc
)

select
    evaluation.kind,
    evaluation.candidate,
    evaluation.metric,
    evaluation.evaluated_as_of,
    evaluation.customers,
    evaluation.metric_value,
    evaluation.metric_lower,
    evaluation.metric_upper
from newest
inner join ops.model_evaluation as evaluation
    on newest.kind = evaluation.kind and newest.model_version = evaluation.model_version
order by evaluation.kind, evaluation.metric, evaluation.candidate
