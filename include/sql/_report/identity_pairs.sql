-- The judged pairs of one person's source customers, and whether each link is in force.
select
    pair.left_key,
    pair.right_key,
    pair.state,
    pair.rule,
    pair.match_weight,
    pair.match_probability,
    pair.threshold,
    pair.model_version,
    pair.levels,
    one.customer_key = other.customer_key as is_in_force
from core.linkage_pair as pair
inner join core.customer_alias as one on pair.left_key = one.source_customer_key
inner join core.customer_alias as other on pair.right_key = other.source_customer_key
where one.customer_key = :person or other.customer_key = :person
order by pair.match_weight desc, pair.left_key, pair.right_key
