-- Refused rows of the batches of a business day by each rule broken, with what has become of them.
select
    refused.batch_id,
    broken.label,
    count(*) as refused,
    count(*) filter (where refused.state in ('open', 'fixed')) as waiting,
    count(*) filter (where refused.state = 'replayed') as replayed,
    count(*) filter (where refused.state in ('superseded', 'discarded')) as closed
from quarantine."row" as refused
cross join lateral unnest(refused.rules) as broken (label)
where refused.business_date = :business_date
group by refused.batch_id, broken.label
order by refused.batch_id, refused, broken.label
