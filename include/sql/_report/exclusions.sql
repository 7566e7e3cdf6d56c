-- Why customers whom a play is for were left out: the first rule that failed, and how often it did beside others.
select
    rule,
    sum(customers_first) as exclusions,
    sum(customers_any) as failures
from campaigns.exclusion_count
where
    as_of_date = :as_of_date
    and rule not in ('not_in_audience', 'control')
    and customers_first > 0
group by rule
order by exclusions desc, rule asc
