-- Whether what a further target held when it was last read back is not what the marketing database holds: 1 or 0.
select
    target as subject,
    (state = 'differs')::integer::double precision as value,
    0::double precision as objective,
    jsonb_build_object('members', rows_total, 'fed_at', fed_at) as parts
from (
    select distinct on (target) *
    from campaigns.target_receipt
    where fed_at <= cast(:now as timestamptz) and fed_at > cast(:now as timestamptz) - interval '35 days'
    order by target asc, token desc
) as newest
