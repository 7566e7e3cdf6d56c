-- segments.membership: one row per customer per as_of_date. Levels come from settings, as three lists of equal length.
with

levels as (
    select
        level.level_name,
        level.level_name_zh,
        level.from_minor,
        row_number() over (order by level.from_minor) as level_order
    from unnest(
        cast(:level_names as text []),
        cast(:level_names_zh as text []),
        cast(:level_from_minor as bigint [])
    ) as level (level_name, level_name_zh, from_minor)
),

customers as (
    select
        engagement.customer_key,
        engagement.points_balance,
        engagement.points_expiring_30d,
        coalesce(orders.net_minor_membership_year, 0) as membership_spend_minor
    from features.customer_engagement as engagement
    left join features.customer_orders as orders
        on engagement.as_of_date = orders.as_of_date and engagement.customer_key = orders.customer_key
    where engagement.as_of_date = :as_of_date
),

reached as (
    select
        customers.customer_key,
        customers.points_balance,
        customers.points_expiring_30d,
        customers.membership_spend_minor,
        coalesce(
            max(levels.level_order) filter (where levels.from_minor <= customers.membership_spend_minor), 1
        ) as level_order
    from customers
    cross join levels
    group by
        customers.customer_key,
        customers.points_balance,
        customers.points_expiring_30d,
        customers.membership_spend_minor
)

select
    :as_of_date as as_of_date,
    reached.customer_key,
    held.level_name as membership_level,
    held.level_name_zh as membership_level_zh,
    reached.membership_spend_minor,
    above.level_name as next_level,
    above.level_name_zh as next_level_zh,
    above.from_minor - reached.membership_spend_minor as amount_to_next_level_minor,
    reached.points_balance,
    reached.points_expiring_30d
from reached
inner join levels as held on reached.level_order = held.level_order
left join levels as above on reached.level_order + 1 = above.level_order
