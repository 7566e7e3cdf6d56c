-- bi.health: the newest look, with what each check is called and what to do.
select
    found.as_of_date,
    found.check_name,
    found.subject,
    found.area,
    coalesce(definition.label_en, found.check_name) as label_en,
    coalesce(definition.label_zh, found.check_name) as label_zh,
    found.value,
    found.unit,
    found.objective,
    found.is_at_least,
    found.state,
    found.since,
    found.sentence_en,
    found.sentence_zh,
    case when found.state in ('warn', 'breach') then definition.advice_en end as advice_en,
    case when found.state in ('warn', 'breach') then definition.advice_zh end as advice_zh,
    definition.position,
    found.checked_at
from bi.health_check as found
left join bi.health_definition as definition on found.check_name = definition.check_name
where found.as_of_date = (select max(as_of_date) from bi.health_check)
