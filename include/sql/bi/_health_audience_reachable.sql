-- Share of each audience that may be contacted at some hour of the day.
select
    campaign as subject,
    case when members >= :minimum_people then permitted_members::double precision / members end as value,
    cast(:reachable_share as double precision) as objective,
    jsonb_build_object('members', members, 'reachable', permitted_members) as parts
from bi.audience_health
where
    members > 0
    and as_of_date = (
        select max(newest.as_of_date)
        from bi.audience_health as newest
        where newest.as_of_date <= :as_of_date and newest.as_of_date > cast(:as_of_date as date) - 7
    )
