-- Predictions against what happened, as of the newest measurement.
select
    model,
    state,
    scored_as_of,
    matures_on,
    bucket,
    customers,
    predicted_mean,
    realised_mean
from bi.score_quality
order by model, bucket
