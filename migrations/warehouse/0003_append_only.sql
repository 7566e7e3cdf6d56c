-- The consent ledger says itself that it is append-only: what a program forgets, the database does not.
-- Two doors stay open. customer_key alone may be written anew, because a decision follows its person when records turn out
-- to be one person or two. And rows leave with their person: only while an erasure request that names them is carried out.
create function privacy.keep_consent() returns trigger
language plpgsql
set search_path = ''
as $$
begin
    if tg_op = 'UPDATE' then
        old.customer_key := new.customer_key;
        if old is not distinct from new then
            return new;
        end if;
    elsif tg_op = 'DELETE' then
        if exists (
            select 1
            from privacy.request
            where request.kind = 'erasure' and request.state in ('running', 'settling')
                and (
                    old.customer_key = any(request.source_customer_keys)
                    or old.source_customer_key = any(request.source_customer_keys)
                )
        ) then
            return old;
        end if;
    end if;
    raise exception using
        errcode = 'insufficient_privilege',
        message = 'privacy.consent is append-only: a decision is followed by another decision, never changed or removed';
end
$$;

comment on function privacy.keep_consent() is 'Refuses to change or remove decisions, except for following a person and for erasing one.';

create trigger append_only before update or delete on privacy.consent
for each row execute function privacy.keep_consent();

create trigger append_only_whole before truncate on privacy.consent
for each statement execute function privacy.keep_consent();
