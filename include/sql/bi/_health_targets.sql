-- Hours since each further target last held what it should, read back. One that differs has been wrong since then.
select
    target as subject,
    extract(epoch from cast(:now as timestamptz) - coalesce(max(fed_at) filter (where state = 'reconciled'), min(fed_at)))::double precision
    / 3600 as value,
    cast(:target_hours as double precision) as objective,
    jsonb_build_object(
        'state', (array_agg(state order by token desc))[1],
        'members', (array_agg(rows_total order by token desc))[1]
    ) as parts
from campaigns.target_receipt
where fed_at <= cast(:now as timestamptz)
group by target
having max(fed_at) > cast(:now as timestamptz) - interval '35 days'
