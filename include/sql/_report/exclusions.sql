-- Why customers whom a play would have reached were left out: the first rule that failed.
select
    first_failing_rule as rule,
    count(*) as exclusions,
    count(distinct customer_key) as customers
from campaigns.decision
where
    as_of_date = :as_of_date
    and state = 'excluded'
group by first_failing_rule
order by exclusions desc, rule asc
