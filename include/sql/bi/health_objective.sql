-- bi.health_objective: days on which each objective held, beside the share that was promised.
with

newest as (
    select max(as_of_date) as as_of_date
    from bi.health_check
),

promised as (
    select coalesce(max(cast(value as double precision)), 0.95) as kept_share
    from bi.setting
    where name = 'health_kept_share'
),

days as (
    select
        found.check_name,
        found.subject,
        min(found.area) as area,
        count(*) as days_measured,
        count(*) filter (where found.state <> 'breach') as days_kept
    from bi.health_check as found
    inner join newest on found.as_of_date > newest.as_of_date - 28 and found.as_of_date <= newest.as_of_date
    where found.state <> 'not_measured'
    group by found.check_name, found.subject
)

select
    days.check_name,
    days.subject,
    days.area,
    coalesce(definition.label_en, days.check_name) as label_en,
    coalesce(definition.label_zh, days.check_name) as label_zh,
    days.days_measured,
    days.days_kept,
    cast(days.days_kept as double precision) / days.days_measured as kept_share,
    promised.kept_share as promised_share,
    28 * (1 - promised.kept_share) - (days.days_measured - days.days_kept) as days_left
from days
cross join promised
left join bi.health_definition as definition on days.check_name = definition.check_name
