-- Members of which the marketing database's own account of the newest push and what it holds now disagree (marketing database).
-- Erasures after the push took members away; they are announced as such.
with

newest as (
    select *
    from marketing.audience_sync
    order by sync_id desc
    limit 1
),

found as (
    select
        count(*) as members,
        coalesce(
            sum(
                (
                    'x' || left(
                        md5(campaign || '|' || customer_key::text || '|' || send_key || '|' || channel || '|' || offer), 15
                    )
                )::bit(60)::bigint
            ),
            0
        )::text as checksum
    from marketing.campaign_audience
)

select
    'marketing database' as subject,
    case
        when found.members = newest.rows_total and found.checksum = newest.checksum then 0
        -- Counted only where something differs: the changes are many.
        when
            found.members < newest.rows_total
            and newest.rows_total - found.members <= (
                select count(*)
                from marketing.audience_change as change
                where change.change = 'removed' and change.reason = 'erased' and change.changed_at > newest.pushed_at
            ) then 0
        -- Equal in number, different in content: at least one member is not who was pushed.
        else greatest(abs(found.members - newest.rows_total), 1)
    end::double precision as value,
    0::double precision as objective,
    jsonb_build_object('members', found.members, 'expected', newest.rows_total) as parts
from newest
cross join found
