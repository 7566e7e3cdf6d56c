-- What happened to one person's source customers: changes of the person, and decisions of people.
select
    change.changed_at as happened_at,
    'moved' as what,
    change.source_customer_key,
    change.old_customer_key,
    change.customer_key,
    change.rule,
    null as reason
from core.identity_change as change
inner join core.customer_alias as alias on change.source_customer_key = alias.source_customer_key
where alias.customer_key = :person

union all

select
    decision.decided_at as happened_at,
    'decision ' || decision.change_id || ' by ' || decision.decided_by || ': ' || decision.verdict
    || case when decision.undone_at is null then '' else ', undone by ' || decision.undone_by end as what,
    decision.left_key as source_customer_key,
    null as old_customer_key,
    decision.right_key as customer_key,
    decision.verdict as rule,
    decision.reason
from core.linkage_decision as decision
where exists (
    select 1
    from core.customer_alias as alias
    where alias.customer_key = :person and alias.source_customer_key in (decision.left_key, decision.right_key)
)
order by happened_at
