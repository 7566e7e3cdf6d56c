-- What segments.cutoff keeps of a date: the two cut-offs of the value matrix and the borders of the fifteen RFM scores.
with

matrix as (
    select
        current_value_minor > current_cutoff_minor as is_current_high,
        potential_value_minor > potential_cutoff_minor as is_potential_high,
        current_cutoff_minor,
        potential_cutoff_minor
    from segments.value_matrix
    where as_of_date = :as_of_date
),

scores as (
    select
        score.measure,
        score.level,
        score.amount
    from segments.rfm as rfm
    cross join lateral (
        values
        ('recency', rfm.recency_score, cast(-rfm.recency_days as bigint)),
        ('frequency', rfm.frequency_score, rfm.count_orders_365d),
        ('monetary', rfm.monetary_score, rfm.net_minor_365d)
    ) as score (measure, level, amount)
    where rfm.as_of_date = :as_of_date
)

select
    cast(:as_of_date as date) as as_of_date,
    'current_value' as measure,
    2 as level,
    case when :current_value_cutoff_minor > 0 then 'amount' else 'quantile' end as rule,
    case when :current_value_cutoff_minor > 0 then null else cast(:current_value_quantile as double precision) end as quantile,
    max(current_cutoff_minor) as border,
    count(*) filter (where is_current_high) as customers
from matrix

union all

select
    cast(:as_of_date as date) as as_of_date,
    'potential_value' as measure,
    2 as level,
    case when :potential_value_cutoff_minor > 0 then 'amount' else 'quantile' end as rule,
    case when :potential_value_cutoff_minor > 0 then null else cast(:potential_value_quantile as double precision) end as quantile,
    max(potential_cutoff_minor) as border,
    count(*) filter (where is_potential_high) as customers
from matrix

union all

select
    cast(:as_of_date as date) as as_of_date,
    scores.measure,
    scores.level,
    'fifths' as rule,
    null as quantile,
    case scores.measure when 'recency' then -min(scores.amount) else min(scores.amount) end as border,
    count(*) as customers
from scores
group by scores.measure, scores.level
