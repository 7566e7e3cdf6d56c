-- Share of what each channel sent that bounced.
select
    channel as subject,
    case
        when sum(greatest(sent, bounced)) >= :minimum_people
            then sum(bounced)::double precision / sum(greatest(sent, bounced))
    end as value,
    cast(:failed_delivery_share as double precision) as objective,
    jsonb_build_object('sent', sum(greatest(sent, bounced)), 'bounced', sum(bounced)) as parts
from bi.audience_delivery
where
    as_of_date = (
        select max(newest.as_of_date)
        from bi.audience_delivery as newest
        where newest.as_of_date <= :as_of_date and newest.as_of_date > cast(:as_of_date as date) - 7
    )
group by channel
having sum(greatest(sent, bounced)) > 0
