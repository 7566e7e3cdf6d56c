-- Members that two audiences have in common, both ways round, and each audience with all others together (*).
with

sizes as (
    select
        campaign,
        count(*) as members
    from marketing.campaign_audience
    group by campaign
),

-- One row per person with the audiences they are in: pairs are then made within persons, not within audiences.
several as (
    select array_agg(campaign order by campaign) as campaigns
    from marketing.campaign_audience
    group by customer_key
    having count(*) > 1
),

combinations as (
    select
        campaigns,
        count(*) as people
    from several
    group by campaigns
),

pairs as (
    select
        one.campaign,
        other.campaign as other_campaign,
        sum(combinations.people) as people
    from combinations
    cross join unnest(combinations.campaigns) as one (campaign)
    cross join unnest(combinations.campaigns) as other (campaign)
    where one.campaign <> other.campaign
    group by one.campaign, other.campaign

    union all

    select
        one.campaign,
        '*',
        sum(combinations.people)
    from combinations
    cross join unnest(combinations.campaigns) as one (campaign)
    group by one.campaign
)

select
    :as_of_date as as_of_date,
    sizes.campaign as play,
    coalesce(pairs.other_campaign, '*') as other_play,
    sizes.members,
    cast(coalesce(pairs.people, 0) as bigint) as shared_members
from sizes
left join pairs on sizes.campaign = pairs.campaign
order by sizes.campaign, other_play
