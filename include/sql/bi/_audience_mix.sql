-- What each audience is made of, by tier and by band of score.
select
    :as_of_date as as_of_date,
    member.campaign as play,
    part.dimension,
    coalesce(part.member, 'unknown') as member,
    count(*) as members
from marketing.campaign_audience as member
cross join lateral (
    values
    ('service_tier', member.service_tier),
    ('churn_band', member.churn_band),
    ('value_band', member.value_band)
) as part (dimension, member)
group by member.campaign, part.dimension, coalesce(part.member, 'unknown')
order by member.campaign, part.dimension, member
