-- The stage of a push is not written to the log: it is filled and emptied by every push, and half of what a push writes would be it.
-- After a crash of the server it is empty. A push trusts it only when every row that it sent is there, and stages afresh otherwise.
alter table marketing.audience_stage set unlogged;
