-- Refused rows by source, entity, rule and column, with what became of them; nothing of the rows themselves.
select
    refused.source,
    refused.entity,
    broken.label,
    count(*) filter (where refused.state = 'open') as open_rows,
    count(*) filter (where refused.state = 'fixed') as fixed_rows,
    count(*) filter (where refused.state = 'replayed') as replayed_rows,
    count(*) filter (where refused.state in ('superseded', 'discarded')) as closed_rows,
    max(refused.last_seen_at) as last_seen_at
from quarantine."row" as refused
cross join lateral unnest(refused.rules) as broken (label)
where
    (cast(:source as text) is null or refused.source = :source)
    and (cast(:entity as text) is null or refused.entity = :entity)
    and (cast(:business_date as date) is null or refused.business_date = :business_date)
group by refused.source, refused.entity, broken.label
order by
    count(*) filter (where refused.state in ('open', 'fixed')) desc,
    refused.source asc,
    refused.entity asc,
    broken.label asc
