-- core.customer_alias: whom each source customer belongs to. Only links that are new or different are written.
insert into core.customer_alias as alias (source_customer_key, customer_key, rule, linked_at)
select
    link_now.source_customer_key,
    link_now.customer_key,
    link_now.rule,
    now() as linked_at
from pg_temp.link_now
on conflict (source_customer_key) do update set
    customer_key = excluded.customer_key,
    rule = excluded.rule,
    linked_at = case when alias.customer_key <> excluded.customer_key then excluded.linked_at else alias.linked_at end
where (alias.customer_key, alias.rule) is distinct from (excluded.customer_key, excluded.rule)
