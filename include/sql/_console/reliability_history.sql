-- Predictions against what happened, all buckets together, for every scored date that has come due, from the slices of each measurement.
with

size as (
    select coalesce(
        (select cast(setting.value as integer) from bi.setting as setting where setting.name = 'suppressed_group_size'), 10
    ) as least_customers
),

summed as (
    select
        model,
        scored_as_of,
        as_of_date,
        sum(customers) as customers,
        sum(customers * predicted_mean) / nullif(sum(customers), 0) as predicted_mean,
        sum(customers * realised_mean) / nullif(sum(customers), 0) as realised_mean,
        sum(customers * abs(predicted_mean - realised_mean)) / nullif(sum(customers), 0) as mean_error
    from bi.score_reliability
    where state = 'matured' and as_of_date > cast(:as_of_date as date) - 400
    group by model, scored_as_of, as_of_date
)

select distinct on (summed.model, summed.scored_as_of)
    summed.model,
    summed.scored_as_of,
    cast(summed.customers as bigint) as customers,
    summed.predicted_mean,
    summed.realised_mean,
    summed.mean_error
from summed
cross join size
where summed.customers >= size.least_customers
order by summed.model asc, summed.scored_as_of asc, summed.as_of_date desc
