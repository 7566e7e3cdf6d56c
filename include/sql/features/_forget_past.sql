-- features.forget_past(): marks in features.order_past whose entries before the cut a statement wrote, so that they are read from the
-- ledger again. Fired once per statement by core.order_entry, so that no way of writing it can be forgotten. A row that is
-- missing says that there was no entry before the cut: whoever gets one gets a stale row. A statement of very many such rows
-- drops the cut instead, and with it the use of all that is kept.
-- Who may write the ledger need not know these tables: it runs with the rights of their owner.
create function features.forget_past() returns trigger language plpgsql security definer
set search_path = pg_catalog, pg_temp as $forget_past$
declare
    cut constant timestamptz := (select max(cut_at) from features.order_past_cut);
    changed constant text := case tg_op
        when 'INSERT' then 'select customer_key, happened_at from new_rows'
        when 'DELETE' then 'select customer_key, happened_at from old_rows'
        else 'select customer_key, happened_at from new_rows union all select customer_key, happened_at from old_rows'
    end;
    customers bigint[];
begin
    if cut is null then
        return null;
    end if;
    execute format('select array_agg(distinct customer_key) from (%s) as fact where happened_at < $1', changed)
    into customers using cut;
    if cardinality(customers) > 100000 then
        delete from features.order_past_cut where true;
    elsif tg_op = 'DELETE' then
        update features.order_past set is_stale = true where customer_key = any(customers) and not is_stale;
    elsif customers is not null then
        insert into features.order_past as known (customer_key, is_stale)
        select person.customer_key, true
        from unnest(customers) as person (customer_key)
        on conflict (customer_key) do update set is_stale = true where not known.is_stale;
    end if;
    return null;
end
$forget_past$;

create trigger forget_past_by_insert after insert on core.order_entry referencing new table as new_rows for each statement
execute function features.forget_past();
create trigger forget_past_by_update after update on core.order_entry referencing old table as old_rows new table as new_rows
for each statement execute function features.forget_past();
create trigger forget_past_by_delete after delete on core.order_entry referencing old table as old_rows for each statement
execute function features.forget_past();
