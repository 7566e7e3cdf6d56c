-- What the facts of each business day of the window come to: counts and sums that change when a row is added, changed or deleted.
with

facts as (
    select
        'orders' as fact,
        happened_at,
        order_count * 7 + net_minor as amount,
        deleted_at
    from core.order_entry
    where happened_at >= :window_start and happened_at < :as_of
    union all
    select
        'complaints' as fact,
        opened_at as happened_at,
        cast(
            extract(epoch from coalesce(acknowledged_at - opened_at, interval '0'))
            + 3 * extract(epoch from coalesce(first_replied_at - opened_at, interval '0')) as bigint
        ) as amount,
        deleted_at
    from core.complaint
    where opened_at >= :window_start and opened_at < :as_of and valid_to is null
    union all
    select
        'answers' as fact,
        happened_at,
        cast(score * 10 as bigint) as amount,
        deleted_at
    from core.survey_answer
    where happened_at >= :window_start and happened_at < :as_of
    union all
    select
        'referrals' as fact,
        referred_at as happened_at,
        1 as amount,
        deleted_at
    from core.referral
    where referred_at >= :window_start and referred_at < :as_of
    union all
    select
        'events' as fact,
        happened_at,
        1 as amount,
        deleted_at
    from core.campaign_event
    where happened_at >= :window_start and happened_at < :as_of
),

sums as (
    select
        cast(happened_at at time zone :business_timezone as date) as business_date,
        fact,
        count(*) as count_rows,
        count(deleted_at) as count_deleted,
        coalesce(sum(amount), 0) as amount
    from facts
    group by 1, 2
)

select
    business_date,
    string_agg(fact || ' ' || count_rows || ' ' || count_deleted || ' ' || amount, '; ' order by fact) as fingerprint
from sums
group by business_date
order by business_date
