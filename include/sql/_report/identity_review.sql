-- Pairs that a person should look at, the likeliest first: neither decided yet nor one person already.
select
    pair.left_key,
    pair.right_key,
    pair.match_probability,
    pair.match_weight,
    pair.levels,
    one.source as left_source,
    one.customer_id as left_id,
    one.name as left_name,
    one.email_normalised as left_email,
    one.phone_e164 as left_phone,
    one.birth_date as left_birth_date,
    other.source as right_source,
    other.customer_id as right_id,
    other.name as right_name,
    other.email_normalised as right_email,
    other.phone_e164 as right_phone,
    other.birth_date as right_birth_date,
    count(*) over () as count_open
from core.linkage_pair as pair
inner join pii.source_customer as one on pair.left_key = one.source_customer_key
inner join pii.source_customer as other on pair.right_key = other.source_customer_key
where
    pair.state = 'review'
    and one.customer_key <> other.customer_key
    and one.deleted_at is null
    and other.deleted_at is null
    and not exists (
        select 1
        from core.linkage_decision as decision
        where decision.left_key = pair.left_key and decision.right_key = pair.right_key and decision.undone_at is null
    )
order by pair.match_probability desc, pair.left_key, pair.right_key
limit :row_limit
