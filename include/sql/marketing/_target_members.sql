-- What a target should hold of the memberships that changed since it was fed (:since), or of all of them (:is_full): the row as it is now,
-- or, where there is none any more, why it went. Read in one snapshot.
with

carried as (
    select *
    from marketing.campaign_audience
    where cardinality(cast(:campaigns as text [])) = 0 or campaign = any(cast(:campaigns as text []))
),

touched as (
    select distinct on (campaign, customer_key)
        campaign,
        customer_key,
        send_key,
        reason
    from marketing.audience_change
    where
        sequence > :since
        and not cast(:is_full as boolean)
        and (cardinality(cast(:campaigns as text [])) = 0 or campaign = any(cast(:campaigns as text [])))
    order by campaign asc, customer_key asc, sequence desc
)

select
    true as is_member,
    cast(null as text) as removal,
    carried.*
from carried
where
    cast(:is_full as boolean)
    or exists (
        select 1
        from touched
        where touched.campaign = carried.campaign and touched.customer_key = carried.customer_key
    )
union all
select
    false as is_member,
    coalesce(touched.reason, 'gone') as removal,
    empty.*
from touched
left join carried on touched.campaign = carried.campaign and touched.customer_key = carried.customer_key
cross join lateral jsonb_populate_record(
    cast(null as marketing.campaign_audience),
    jsonb_build_object('campaign', touched.campaign, 'customer_key', touched.customer_key, 'send_key', touched.send_key)
) as empty
where carried.campaign is null
