-- Hours since the complaint clock last ran, where it runs by itself.
select
    'complaint clock' as subject,
    extract(epoch from cast(:now as timestamptz) - max(ended_at) filter (where state in ('published', 'no_data')))::double precision
    / 3600 as value,
    cast(:complaint_clock_hours as double precision) as objective,
    '{}'::jsonb as parts
from ops.run_ledger
where dataset = 'complaint_clock' and dag_id = 'retention_complaint_clock' and started_at <= cast(:now as timestamptz)
having count(*) > 0
