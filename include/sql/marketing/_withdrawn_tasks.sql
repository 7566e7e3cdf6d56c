-- Open staff tasks whose reason has gone: the push stages them no more.
select task.send_key
from marketing.staff_task as task
left join marketing.audience_stage as stage on stage.token = :token and stage.kind = 'staff' and stage.send_key = task.send_key
where task.state = 'open' and stage.send_key is null
