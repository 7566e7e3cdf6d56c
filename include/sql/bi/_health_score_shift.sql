-- How far the scores of the newest scored date have moved from those of training.
select
    kind as subject,
    stability_index as value,
    cast(:score_shift_index as double precision) as objective,
    jsonb_build_object('day', as_of_date, 'model', model_version) as parts
from (
    select distinct on (kind) *
    from ops.score_drift
    where input_name = 'score' and as_of_date <= :as_of_date and as_of_date > cast(:as_of_date as date) - 14
    order by kind asc, as_of_date desc
) as newest
