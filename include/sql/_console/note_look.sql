-- Who looks at whom, before anything is shown.
insert into ops.audit (actor, action, subject, reason, details)
values (:actor, :action, :subject, :reason, cast(:details as jsonb))
