-- pg_temp.changed_rate: currencies and days whose rate, or its history, is another one than before this publication.
create temporary table changed_rate on commit drop as
with

differences as (
    (select currency, day, known_from, known_to, rate from pg_temp.rate
    except
    select currency, day, known_from, known_to, rate from pg_temp.rate_before)
    union all
    (select currency, day, known_from, known_to, rate from pg_temp.rate_before
    except
    select currency, day, known_from, known_to, rate from pg_temp.rate)
)

select
    changed.currency,
    changed.day,
    current_rate.rate
from (select distinct currency, day from differences) as changed
inner join pg_temp.rate as current_rate
    on
        changed.currency = current_rate.currency
        and changed.day = current_rate.day
        and current_rate.known_to = 'infinity'
