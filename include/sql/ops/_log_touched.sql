-- ops.log_touched(): writes down in ops.touched whose rows a statement inserted, changed or deleted, and up to which time they speak.
-- Fired once per statement by every table whose contract says `touched`, so that no way of writing core can be forgotten.
-- A statement of very many rows (a first load) logs one row that stands for everybody: sorting them by customer would cost more
-- than it saves, for the next build computes everybody anyway. Whose rows speak of a time that has not come yet is logged person by
-- person even then: or one order dated years ahead would have everybody computed every day until then.
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
    logged constant text := 'insert into ops.touched as known (changed_in, fact, customer_key, is_everybody, latest_at)
        select pg_current_xact_id(), %L, owner.customer_key, false, max(greatest(%s))
        from (%s) as fact inner join lateral (%s) as owner on true
        where %s
        group by owner.customer_key
        on conflict (changed_in, fact, customer_key) do update set latest_at = excluded.latest_at
        where known.latest_at is null or excluded.latest_at > known.latest_at';
    row_count bigint;
    ahead_count bigint;
    latest timestamptz;
    latest_ahead timestamptz;
begin
    execute format(
        'select count(*), count(*) filter (where latest > now()), max(latest) filter (where latest <= now()), max(latest)
        from (select greatest(%s) as latest from (%s) as fact) as timed',
        tg_argv[0],
        changed
    ) into row_count, ahead_count, latest, latest_ahead;
    if row_count > many then
        insert into ops.touched as known (changed_in, fact, customer_key, is_everybody, latest_at)
        values (pg_current_xact_id(), fact_name, 0, true, case when ahead_count > many then latest_ahead else latest end)
        on conflict (changed_in, fact, customer_key) do update
        set is_everybody = true, latest_at = greatest(known.latest_at, excluded.latest_at);
        if ahead_count between 1 and many then
            execute format(
                logged, fact_name, tg_argv[0], changed, tg_argv[1], format('greatest(%s) > now()', tg_argv[0])
            );
        end if;
    elsif row_count > 0 then
        execute format(logged, fact_name, tg_argv[0], changed, tg_argv[1], 'true');
    end if;
    return null;
end
$log_touched$;
