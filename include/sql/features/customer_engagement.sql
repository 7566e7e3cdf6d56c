-- features.customer_engagement: one row per customer per as_of_date, from interactions, surveys, campaign feedback,
-- referrals and points. Interactions and campaign events are read for 365 business days, so the cost does not grow with history.
with

customers as (
    select customer_key
    from core.customer
    where
        customer_key between :first_key and :last_key
        and valid_from < :as_of
        and (valid_to is null or valid_to >= :as_of)
        and (deleted_at is null or deleted_at >= :as_of)
        and not is_test
),

-- Of what a source changed at as_of or later, the state in force before holds; what had no state before, is as it came first.
touches as (
    select
        latest.customer_key,
        latest.happened_at,
        latest.channel,
        latest.kind,
        latest.direction,
        latest.dwell_seconds,
        latest.deleted_at
    from core.interaction as latest
    where
        latest.customer_key between :first_key and :last_key
        and latest.happened_at >= :since_365d
        and latest.happened_at < :as_of
        and (
            coalesce(latest.updated_at < :as_of, true)
            or not exists (
                select 1
                from core.interaction_version as version
                where version.interaction_key = latest.interaction_key
            )
        )

    union all

    select
        version.customer_key,
        version.happened_at,
        version.channel,
        version.kind,
        version.direction,
        version.dwell_seconds,
        version.deleted_at
    from core.interaction_version as version
    inner join core.interaction as latest on version.interaction_key = latest.interaction_key and latest.updated_at >= :as_of
    where
        version.customer_key between :first_key and :last_key
        and version.happened_at >= :since_365d
        and version.happened_at < :as_of
        and not exists (
            select 1
            from core.interaction_version as other
            where
                other.interaction_key = version.interaction_key
                and (
                    (version.updated_at < :as_of and other.updated_at > version.updated_at and other.updated_at < :as_of)
                    or (version.updated_at >= :as_of and other.updated_at < version.updated_at)
                )
        )
),

interactions as (
    select
        customer_key,
        count(*) filter (where happened_at >= :since_30d) as count_30d,
        count(*) filter (where happened_at >= :since_60d and happened_at < :since_30d) as count_previous_30d,
        count(*) filter (where happened_at >= :since_90d) as count_90d,
        count(*) as count_365d,
        count(*) filter (where happened_at >= :since_90d and direction = 'in') as count_inbound_90d,
        count(distinct channel) filter (where happened_at >= :since_90d) as count_channels_90d,
        count(*) filter (where happened_at >= :since_90d and channel = 'phone') as count_phone_90d,
        count(*) filter (where happened_at >= :since_90d and channel = 'email') as count_email_90d,
        count(*) filter (where happened_at >= :since_90d and channel = 'sms') as count_sms_90d,
        count(*) filter (where happened_at >= :since_90d and channel = 'wechat') as count_wechat_90d,
        count(*) filter (where happened_at >= :since_90d and channel = 'app') as count_app_90d,
        count(*) filter (where happened_at >= :since_90d and channel in ('store', 'event')) as count_in_person_90d,
        count(*) filter (where happened_at >= :since_90d and channel in ('weibo', 'xiaohongshu')) as count_social_90d,
        count(*) filter (where happened_at >= :since_90d and kind in ('click', 'open', 'like')) as count_reactions_90d,
        count(*) filter (where happened_at >= :since_90d and kind = 'page_view') as count_page_views_90d,
        cast(coalesce(sum(dwell_seconds) filter (where happened_at >= :since_90d), 0) as bigint) as dwell_seconds_90d,
        max(happened_at) as last_at
    from touches
    where deleted_at is null or deleted_at >= :as_of
    group by customer_key
),

replies as (
    select
        latest.customer_key,
        latest.answer_key,
        latest.instrument,
        latest.score,
        latest.happened_at,
        latest.deleted_at
    from core.survey_answer as latest
    where
        latest.customer_key between :first_key and :last_key
        and latest.happened_at < :as_of
        and (
            coalesce(latest.updated_at < :as_of, true)
            or not exists (
                select 1
                from core.survey_answer_version as version
                where version.answer_key = latest.answer_key
            )
        )

    union all

    select
        version.customer_key,
        version.answer_key,
        version.instrument,
        version.score,
        version.happened_at,
        version.deleted_at
    from core.survey_answer_version as version
    inner join core.survey_answer as latest on version.answer_key = latest.answer_key and latest.updated_at >= :as_of
    where
        version.customer_key between :first_key and :last_key
        and version.happened_at < :as_of
        and not exists (
            select 1
            from core.survey_answer_version as other
            where
                other.answer_key = version.answer_key
                and (
                    (version.updated_at < :as_of and other.updated_at > version.updated_at and other.updated_at < :as_of)
                    or (version.updated_at >= :as_of and other.updated_at < version.updated_at)
                )
        )
),

answers as (
    select
        customer_key,
        instrument,
        score,
        happened_at,
        row_number() over (
            partition by customer_key, instrument
            order by happened_at desc, answer_key desc
        ) as recency_rank
    from replies
    where deleted_at is null or deleted_at >= :as_of
),

surveys as (
    select
        customer_key,
        max(score) filter (where instrument = 'nps' and recency_rank = 1) as latest_nps,
        max(happened_at) filter (where instrument = 'nps' and recency_rank = 1) as latest_nps_at,
        max(score) filter (where instrument = 'nps' and recency_rank = 2) as previous_nps,
        avg(score) filter (where instrument = 'csat' and happened_at >= :since_365d) as mean_csat,
        avg(score) filter (where instrument like 'servqual%' and happened_at >= :since_365d) as mean_servqual,
        count(*) filter (where happened_at >= :since_365d) as count_answers
    from answers
    group by customer_key
),

messages as (
    select
        customer_key,
        count(*) filter (where kind = 'sent') as count_sent,
        count(*) filter (where kind in ('opened', 'clicked', 'converted')) as count_responses
    from core.campaign_event
    where
        customer_key between :first_key and :last_key
        and happened_at >= :since_90d
        and happened_at < :as_of
        and (deleted_at is null or deleted_at >= :as_of)
    group by customer_key
),

recommendations as (
    select
        latest.customer_key,
        latest.converted_at,
        latest.deleted_at
    from core.referral as latest
    where
        latest.customer_key between :first_key and :last_key
        and latest.referred_at < :as_of
        and (
            coalesce(latest.updated_at < :as_of, true)
            or not exists (
                select 1
                from core.referral_version as version
                where version.referral_key = latest.referral_key
            )
        )

    union all

    select
        version.customer_key,
        version.converted_at,
        version.deleted_at
    from core.referral_version as version
    inner join core.referral as latest on version.referral_key = latest.referral_key and latest.updated_at >= :as_of
    where
        version.customer_key between :first_key and :last_key
        and version.referred_at < :as_of
        and not exists (
            select 1
            from core.referral_version as other
            where
                other.referral_key = version.referral_key
                and (
                    (version.updated_at < :as_of and other.updated_at > version.updated_at and other.updated_at < :as_of)
                    or (version.updated_at >= :as_of and other.updated_at < version.updated_at)
                )
        )
),

referrals as (
    select
        customer_key,
        count(*) as count_referrals,
        count(*) filter (where converted_at < :as_of) as count_converted
    from recommendations
    where deleted_at is null or deleted_at >= :as_of
    group by customer_key
),

bookings as (
    select
        latest.customer_key,
        latest.kind,
        latest.points,
        latest.happened_at,
        latest.expires_at,
        latest.deleted_at
    from core.points_entry as latest
    where
        latest.customer_key between :first_key and :last_key
        and latest.happened_at < :as_of
        and (
            coalesce(latest.updated_at < :as_of, true)
            or not exists (
                select 1
                from core.points_entry_version as version
                where version.entry_key = latest.entry_key
            )
        )

    union all

    select
        version.customer_key,
        version.kind,
        version.points,
        version.happened_at,
        version.expires_at,
        version.deleted_at
    from core.points_entry_version as version
    inner join core.points_entry as latest on version.entry_key = latest.entry_key and latest.updated_at >= :as_of
    where
        version.customer_key between :first_key and :last_key
        and version.happened_at < :as_of
        and not exists (
            select 1
            from core.points_entry_version as other
            where
                other.entry_key = version.entry_key
                and (
                    (version.updated_at < :as_of and other.updated_at > version.updated_at and other.updated_at < :as_of)
                    or (version.updated_at >= :as_of and other.updated_at < version.updated_at)
                )
        )
),

points as (
    select
        customer_key,
        cast(coalesce(sum(abs(points)) filter (where kind = 'earned'), 0) as bigint) as earned,
        cast(coalesce(sum(abs(points)) filter (where kind <> 'earned'), 0) as bigint) as consumed,
        cast(
            coalesce(sum(abs(points)) filter (where kind = 'earned' and expires_at < :as_of), 0) as bigint
        ) as earned_expired,
        cast(
            coalesce(sum(abs(points)) filter (where kind = 'earned' and expires_at < :points_until), 0) as bigint
        ) as earned_expiring,
        cast(
            coalesce(sum(abs(points)) filter (where kind = 'redeemed' and happened_at >= :since_365d), 0) as bigint
        ) as redeemed_365d
    from bookings
    where deleted_at is null or deleted_at >= :as_of
    group by customer_key
)

select
    :as_of_date as as_of_date,
    customers.customer_key,
    coalesce(interactions.count_30d, 0) as count_interactions_30d,
    coalesce(interactions.count_previous_30d, 0) as count_interactions_previous_30d,
    coalesce(interactions.count_30d, 0) - coalesce(interactions.count_previous_30d, 0) as interactions_change_30d,
    coalesce(interactions.count_90d, 0) as count_interactions_90d,
    coalesce(interactions.count_365d, 0) as count_interactions_365d,
    coalesce(interactions.count_inbound_90d, 0) as count_inbound_interactions_90d,
    coalesce(interactions.count_channels_90d, 0) as count_interaction_channels_90d,
    coalesce(interactions.count_phone_90d, 0) as count_phone_interactions_90d,
    coalesce(interactions.count_email_90d, 0) as count_email_interactions_90d,
    coalesce(interactions.count_sms_90d, 0) as count_sms_interactions_90d,
    coalesce(interactions.count_wechat_90d, 0) as count_wechat_interactions_90d,
    coalesce(interactions.count_app_90d, 0) as count_app_interactions_90d,
    coalesce(interactions.count_in_person_90d, 0) as count_in_person_interactions_90d,
    coalesce(interactions.count_social_90d, 0) as count_social_interactions_90d,
    coalesce(interactions.count_reactions_90d, 0) as count_reactions_90d,
    coalesce(interactions.count_page_views_90d, 0) as count_page_views_90d,
    coalesce(interactions.dwell_seconds_90d, 0) as dwell_seconds_90d,
    :as_of_date - cast(interactions.last_at at time zone :business_timezone as date) as days_since_last_interaction,
    cast(surveys.latest_nps as double precision) as latest_nps,
    :as_of_date - cast(surveys.latest_nps_at at time zone :business_timezone as date) as days_since_latest_nps,
    cast(surveys.latest_nps - surveys.previous_nps as double precision) as nps_change,
    cast(surveys.mean_csat as double precision) as mean_csat_365d,
    cast(surveys.mean_servqual as double precision) as mean_servqual_365d,
    coalesce(surveys.count_answers, 0) as count_survey_answers_365d,
    coalesce(messages.count_sent, 0) as count_campaign_messages_90d,
    coalesce(messages.count_responses, 0) as count_campaign_responses_90d,
    coalesce(referrals.count_referrals, 0) as count_referrals_lifetime,
    coalesce(referrals.count_converted, 0) as count_converted_referrals_lifetime,
    coalesce(points.earned - greatest(points.consumed, points.earned_expired), 0) as points_balance,
    coalesce(
        greatest(points.earned_expiring - greatest(points.consumed, points.earned_expired), 0), 0
    ) as points_expiring_30d,
    coalesce(points.redeemed_365d, 0) as points_redeemed_365d
from customers
left join interactions on customers.customer_key = interactions.customer_key
left join surveys on customers.customer_key = surveys.customer_key
left join messages on customers.customer_key = messages.customer_key
left join referrals on customers.customer_key = referrals.customer_key
left join points on customers.customer_key = points.customer_key
