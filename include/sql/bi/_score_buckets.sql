-- bi.score_bucket of one model and scored date.
with

bucketed as (
    select
        predicted,
        realised,
        is_fallback,
        matured_on,
        case
            when :kind <> 'clv' then least(cast(floor(predicted * 10) as integer), 9)
            else ntile(5) over (order by predicted, customer_key) - 1
        end as bucket
    from scores.outcome
    where kind = :kind and scored_as_of = :scored_as_of
)

select
    cast(:kind as text) as model,
    cast(:scored_as_of as date) as scored_as_of,
    bucket,
    max(matured_on) as matured_on,
    bool_or(is_fallback) as is_fallback,
    count(*) as customers,
    avg(predicted) as predicted_mean,
    cast(avg(realised) as double precision) as realised_mean
from bucketed
group by bucket
