-- Over `lines` in DuckDB: how many lines of each category customers bought.
select
    customer_key,
    'category' as kind,
    concat_ws(' > ', category_1, category_2) as habit,
    count(*) as count_times
from lines
where category_1 is not null
group by customer_key, habit
