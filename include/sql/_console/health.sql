-- Every check of health at its newest look, the worst first.
select
    as_of_date,
    check_name,
    subject,
    area,
    label_en,
    label_zh,
    value,
    unit,
    objective,
    is_at_least,
    state,
    since,
    sentence_en,
    sentence_zh,
    advice_en,
    advice_zh,
    checked_at
from bi.health
order by case state when 'breach' then 1 when 'warn' then 2 when 'ok' then 3 else 4 end, position, check_name, subject
