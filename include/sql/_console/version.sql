-- Whatever makes an answer of the console old: something published, an attempt begun or ended, a push stopped or approved.
select
    (select max(published_at) from ops.published) as published_at,
    (select max(ledger_id) from ops.run_ledger) as ledger_id,
    (select max(ended_at) from ops.run_ledger where ledger_id > (select max(last.ledger_id) - 50 from ops.run_ledger as last)) as ended_at,
    (select max(stop_id) from campaigns.guard_stop) as stop_id,
    (select max(approval_id) from campaigns.approval) as approval_id,
    (select count(used_at) from campaigns.approval) as used,
    (select max(sync_id) from campaigns.push_receipt) as sync_id
