-- Contacts that the caps count, by customer, channel and kind: of the window before the day, and of the day itself, taken back or not.
-- Only of those of whom the day may make more than one: customers whom a service or staff play under the caps is for, or was for today.
with

other_keys as (
    select
        source_customer_key,
        customer_key
    from core.customer_alias
    where source_customer_key <> customer_key
),

concerned as (
    select customer_key
    from campaigns.contender
    where
        as_of_date = :as_of_date
        and joined_on = :as_of_date
        and position = any(cast(:positions as smallint []))
    union
    select coalesce(other_keys.customer_key, delivery.customer_key) as customer_key
    from campaigns.delivery
    left join other_keys on delivery.customer_key = other_keys.source_customer_key
    where delivery.as_of_date = :as_of_date and delivery.is_capped and delivery.kind <> 'promotional'
),

counted as (
    select
        coalesce(other_keys.customer_key, delivery.customer_key) as customer_key,
        delivery.channel,
        delivery.kind = 'promotional' as is_promotional,
        delivery.as_of_date = :as_of_date as is_today
    from campaigns.delivery
    left join other_keys on delivery.customer_key = other_keys.source_customer_key
    where
        delivery.is_capped
        and delivery.as_of_date > cast(:as_of_date as date) - cast(:contact_cap_days as integer)
        and delivery.as_of_date <= :as_of_date
)

select
    concerned.customer_key,
    counted.channel,
    coalesce(counted.is_promotional and counted.is_today, false) as is_promotion_of_today,
    count(counted.channel) as contacts
from concerned
left join counted on concerned.customer_key = counted.customer_key
group by 1, 2, 3
