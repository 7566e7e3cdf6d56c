-- Share of what tools were given of which they said anything, by audience and channel.
select
    play || ' by ' || channel as subject,
    case
        when is_reporting and handed_out >= :minimum_people
            then (handed_out - silent)::double precision / handed_out
    end as value,
    cast(:feedback_share as double precision) as objective,
    jsonb_build_object('handed_out', handed_out, 'silent', silent, 'is_reporting', is_reporting) as parts
from bi.audience_delivery
where
    as_of_date = (
        select max(newest.as_of_date)
        from bi.audience_delivery as newest
        where newest.as_of_date <= :as_of_date and newest.as_of_date > cast(:as_of_date as date) - 7
    )
