-- segments.rfm: one row per purchaser per as_of_date.
-- A score is 1 + the fifths of all purchasers who are strictly worse: equal values always share a score, and a large group
-- of equals (one-time buyers) gets the score of its lower end. With fewer than five purchasers fifths mean nothing: all
-- score 3. Purchasers without an order in the look-back of 365 days have frequency and money 0 and keep their recency.
with

purchasers as (
    select
        customer_key,
        recency_days,
        count_orders_365d,
        net_minor_365d
    from features.customer_orders
    where as_of_date = :as_of_date
),

ranked as (
    select
        customer_key,
        recency_days,
        count_orders_365d,
        net_minor_365d,
        count(*) over () as count_purchasers,
        rank() over (order by recency_days desc) - 1 as count_less_recent,
        rank() over (order by count_orders_365d) - 1 as count_less_frequent,
        rank() over (order by net_minor_365d) - 1 as count_less_spent
    from purchasers
),

scored as (
    select
        customer_key,
        recency_days,
        count_orders_365d,
        net_minor_365d,
        case
            when count_purchasers < 5 then 3 else cast(1 + 5 * count_less_recent / count_purchasers as integer)
        end as recency_score,
        case
            when count_purchasers < 5 then 3 else cast(1 + 5 * count_less_frequent / count_purchasers as integer)
        end as frequency_score,
        case
            when count_purchasers < 5 then 3 else cast(1 + 5 * count_less_spent / count_purchasers as integer)
        end as monetary_score
    from ranked
)

select
    :as_of_date as as_of_date,
    scored.customer_key,
    scored.recency_days,
    scored.count_orders_365d,
    scored.net_minor_365d,
    scored.recency_score,
    scored.frequency_score,
    scored.monetary_score,
    rfm_cell.rfm_class,
    class_label.label_zh as rfm_class_zh,
    rfm_cell.rfm_segment,
    segment_label.label_zh as rfm_segment_zh
from scored
inner join segments.rfm_cell as rfm_cell
    on
        scored.recency_score = rfm_cell.recency_score
        and scored.frequency_score = rfm_cell.frequency_score
        and scored.monetary_score = rfm_cell.monetary_score
inner join segments.label as class_label
    on rfm_cell.rfm_class = class_label.label and class_label.label_group = 'rfm_class'
inner join segments.label as segment_label
    on rfm_cell.rfm_segment = segment_label.label and segment_label.label_group = 'rfm_segment'
