-- core.identity_change: the trail of source customers that move from one person to another.
insert into core.identity_change (source_customer_key, changed_at, old_customer_key, customer_key, rule, batch_id)
select
    link_now.source_customer_key,
    now() as changed_at,
    alias.customer_key as old_customer_key,
    link_now.customer_key,
    link_now.rule,
    :batch_id as batch_id
from pg_temp.link_now
inner join core.customer_alias as alias on link_now.source_customer_key = alias.source_customer_key
where alias.customer_key <> link_now.customer_key
on conflict (source_customer_key, changed_at) do nothing
