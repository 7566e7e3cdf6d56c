-- ops.log_touched(): writes down in ops.touched whose rows a statement inserted, changed or deleted, and up to which time they speak.
-- Fired once per statement by every table whose contract says `touched`, so that no way of writing core can be forgotten.
-- Arguments: the columns with the times of a row, separated by commas, and how the customer is found (column or join).
create function ops.log_touched() returns trigger language plpgsql as $log_touched$
declare
    changed constant text := case tg_op
        when 'INSERT' then 'select * from new_rows'
        when 'DELETE' then 'select * from old_rows'
        else 'select * from new_rows union all select * from old_rows'
    end;
begin
    execute format(
        'insert into ops.touched as known (changed_in, fact, customer_key, latest_at)
        select pg_current_xact_id(), %L, owner.customer_key, max(greatest(%s))
        from (%s) as fact inner join lateral (%s) as owner on true
        group by owner.customer_key
        on conflict (changed_in, fact, customer_key) do update set latest_at = excluded.latest_at
        where known.latest_at is null or excluded.latest_at > known.latest_at',
        tg_table_schema || '.' || tg_table_name,
        tg_argv[0],
        changed,
        tg_argv[1]
    );
    return null;
end
$log_touched$;
