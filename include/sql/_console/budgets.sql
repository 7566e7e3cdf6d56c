-- Budgets and capacities of the newest allocated day.
select
    kind,
    applies_to,
    label,
    label_zh,
    unit,
    most,
    used,
    used_share,
    shadow_price_minor,
    meaning_en,
    meaning_zh
from bi.budget_price
where as_of_date = :as_of_date
order by shadow_price_minor desc nulls last, kind asc, applies_to asc
