-- Share of each audience that is in another audience too.
select
    whole.play as subject,
    case when whole.members >= :minimum_people then whole.shared_members::double precision / whole.members end as value,
    cast(:overlap_share as double precision) as objective,
    jsonb_build_object(
        'members', whole.members, 'shared', whole.shared_members,
        'most', (
            select pair.other_play
            from bi.audience_overlap as pair
            where pair.as_of_date = whole.as_of_date and pair.play = whole.play and pair.other_play <> '*'
            order by pair.shared_members desc, pair.other_play asc
            limit 1
        )
    ) as parts
from bi.audience_overlap as whole
where
    whole.other_play = '*'
    and whole.as_of_date = (
        select max(newest.as_of_date)
        from bi.audience_overlap as newest
        where newest.as_of_date <= :as_of_date and newest.as_of_date > cast(:as_of_date as date) - 7
    )
