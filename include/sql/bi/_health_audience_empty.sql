-- People whom a pushed plan selected, where the audience that was pushed holds nobody: success, and nothing there.
with

newest as (
    select max(planned.as_of_date) as as_of_date
    from campaigns.play_run as planned
    where
        planned.as_of_date <= :as_of_date
        and planned.as_of_date > cast(:as_of_date as date) - 7
        and exists (select 1 from campaigns.push_receipt as receipt where receipt.business_date = planned.as_of_date - 1)
        and exists (select 1 from bi.audience_health as audience where audience.as_of_date = planned.as_of_date)
)

select
    planned.play as subject,
    case
        when coalesce(audience.members, 0) > 0 or planned.selected = 0 then 0
        -- What waits for approval is waiting, not lost.
        when
            exists (
                select 1
                from campaigns.guard_stop as stop
                where stop.play = planned.play and stop.business_date = planned.as_of_date - 1
            ) then 0
        -- Tasks of staff stand in a table of their own.
        when
            exists (
                select 1
                from campaigns.delivery as delivered
                where
                    delivered.play = planned.play
                    and delivered.kind = 'staff'
                    and delivered.removed_on is null
                    and delivered.valid_until > cast(:now as timestamptz)
            ) then 0
        else planned.selected
    end::double precision as value,
    0::double precision as objective,
    jsonb_build_object('selected', planned.selected, 'members', coalesce(audience.members, 0)) as parts
from newest
inner join campaigns.play_run as planned on newest.as_of_date = planned.as_of_date
left join bi.audience_health as audience
    on planned.as_of_date = audience.as_of_date and planned.play = audience.campaign
where planned.selected > 0 or audience.members > 0
