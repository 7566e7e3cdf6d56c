-- Share of each exported audience that its destination can recognise.
select
    campaign || ' for ' || recipe as subject,
    case when members >= :minimum_people then listed::double precision / members end as value,
    cast(:match_share as double precision) as objective,
    jsonb_build_object('members', members, 'listed', listed, 'day', measured_on) as parts
from (
    select distinct on (campaign, recipe) *
    from campaigns.match_key_coverage
    where key = 'any' and measured_on <= :as_of_date and measured_on > cast(:as_of_date as date) - 14
    order by campaign asc, recipe asc, measured_on desc
) as newest
where members > 0
