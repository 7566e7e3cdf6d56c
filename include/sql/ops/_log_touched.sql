-- ops.log_touched(): writes down in ops.touched whose rows a statement inserted, changed or deleted, and up to which time they speak.
-- Fired once per statement by every table whose contract says `touched`, so that no way of writing core can be forgotten.
-- A statement of very many rows (a first load) logs one row that stands for everybody: sorting them by customer would cost more
-- than it saves, for the next build computes everybody anyway.
-- Arguments: the columns with the times of a row, separated by commas, and how the customer is found (column or join).
create function ops.log_touched() returns trigger language plpgsql as $log_touched$
declare
    changed constant text := case tg_op
        when 'INSERT' then 'select * from new_rows'
        when 'DELETE' then 'select * from old_rows'
        else 'select * from new_rows union all select * from old_rows'
    end;
    fact_name constant text := tg_table_schema || '.' || tg_table_name;
    many constant bigint := (
        select greatest(100000, reltuples / 5) from pg_catalog.pg_class where oid = 'core.customer'::regclass
    );
    row_count bigint;
    latest timestamptz;
begin
    execute format('select count(*), max(greatest(%s)) from (%s) as fact', tg_argv[0], changed) into row_count, latest;
    if row_count > many then
        insert into ops.touched as known (changed_in, fact, customer_key, is_everybody, latest_at)
        values (pg_current_xact_id(), fact_name, 0, true, latest)
        on conflict (changed_in, fact, customer_key) do update
        set is_everybody = true, latest_at = greatest(known.latest_at, excluded.latest_at);
    elsif row_count > 0 then
        execute format(
            'insert into ops.touched as known (changed_in, fact, customer_key, is_everybody, latest_at)
            select pg_current_xact_id(), %L, owner.customer_key, false, max(greatest(%s))
            from (%s) as fact inner join lateral (%s) as owner on true
            group by owner.customer_key
            on conflict (changed_in, fact, customer_key) do update set latest_at = excluded.latest_at
            where known.latest_at is null or excluded.latest_at > known.latest_at',
            fact_name,
            tg_argv[0],
            changed,
            tg_argv[1]
        );
    end if;
    return null;
end
$log_touched$;
