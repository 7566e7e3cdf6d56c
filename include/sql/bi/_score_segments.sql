-- bi.score_segment_value of one model and scored date: under the headings that customers had then, where their slices are kept.
with

outcomes as (
    select
        customer_key,
        predicted,
        realised
    from scores.outcome
    where kind = :kind and scored_as_of = :scored_as_of
),

labelled as (
    select
        outcomes.predicted,
        outcomes.realised,
        label.dimension,
        label.member
    from outcomes
    left join segments.tier as tier on outcomes.customer_key = tier.customer_key and tier.as_of_date = :scored_as_of
    left join segments.lifecycle as lifecycle
        on outcomes.customer_key = lifecycle.customer_key and lifecycle.as_of_date = :scored_as_of
    left join segments.rfm as rfm on outcomes.customer_key = rfm.customer_key and rfm.as_of_date = :scored_as_of
    cross join lateral (
        values ('tier', tier.service_tier), ('stage', lifecycle.lifecycle_stage), ('segment', rfm.rfm_segment)
    ) as label (dimension, member)
    where label.member is not null
)

select
    cast(:kind as text) as model,
    cast(:scored_as_of as date) as scored_as_of,
    dimension,
    member,
    count(*) as customers,
    avg(predicted) as predicted_mean,
    cast(avg(realised) as double precision) as realised_mean,
    stddev_samp(realised) / sqrt(count(*)) as realised_error
from labelled
group by dimension, member
