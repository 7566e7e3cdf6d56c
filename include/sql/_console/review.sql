-- What the newest weekly review flagged.
select
    review.as_of_date,
    review.kpi,
    definition.label,
    definition.label_zh,
    definition.unit,
    review.dimension,
    review.member,
    review.value,
    review.others,
    review.before,
    review.customers,
    review.is_behind,
    review.is_falling,
    review.plays,
    review.advice,
    review.advice_play
from bi.strategy_review as review
left join bi.kpi_definition as definition on review.kpi = definition.kpi
where
    review.as_of_date = (select max(newest.as_of_date) from bi.strategy_review as newest)
    and (review.is_behind or review.is_falling)
order by review.is_behind desc, review.kpi asc, review.dimension asc, review.member asc
