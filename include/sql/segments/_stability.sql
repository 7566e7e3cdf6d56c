-- What segments.stability keeps of a date: movers from the migration matrix, flappers from the moves that are kept for ever.
with

moved as (
    select
        dimension,
        cast(sum(customers) as bigint) as customers,
        cast(coalesce(sum(customers) filter (where from_member <> to_member), 0) as bigint) as movers
    from segments.migration
    where as_of_date = :as_of_date and span = 'previous' and from_member <> 'none' and to_member <> 'none'
    group by dimension
),

undamped as (
    select count(*) as movers
    from segments.tier as tier
    inner join segments.tier as earlier
        on earlier.as_of_date = :since_date and tier.customer_key = earlier.customer_key
    where tier.as_of_date = :as_of_date and tier.computed_tier <> earlier.computed_tier
),

moves as (
    select
        'tier' as dimension,
        customer_key,
        as_of_date,
        from_tier as from_member,
        to_tier as to_member
    from segments.tier_move
    where as_of_date <= :as_of_date and as_of_date > cast(:as_of_date as date) - 2 * :flap_days and from_tier is not null

    union all

    select
        'stage' as dimension,
        customer_key,
        as_of_date,
        from_stage as from_member,
        to_stage as to_member
    from segments.lifecycle_move
    where as_of_date <= :as_of_date and as_of_date > cast(:as_of_date as date) - 2 * :flap_days and from_stage is not null
),

-- For each time a customer entered a group: when the customer had last left it. Nobody leaves and enters the same group on one date.
visits as (
    select
        dimension,
        customer_key,
        as_of_date,
        is_entering,
        max(as_of_date) filter (where not is_entering) over (
            partition by dimension, customer_key, member
            order by as_of_date
        ) as left_on
    from (
        select dimension, customer_key, as_of_date, to_member as member, true as is_entering
        from moves
        union all
        select dimension, customer_key, as_of_date, from_member as member, false as is_entering
        from moves
    ) as event
),

flapped as (
    select
        dimension,
        count(distinct customer_key) as flappers
    from visits
    where is_entering and as_of_date - left_on <= :flap_days and as_of_date > cast(:as_of_date as date) - :flap_days
    group by dimension
)

select
    cast(:as_of_date as date) as as_of_date,
    moved.dimension,
    cast(:since_date as date) as since_date,
    moved.customers,
    moved.movers,
    case when moved.dimension = 'tier' then undamped.movers end as undamped_movers,
    cast(:flap_days as integer) as flap_days,
    case when moved.dimension in ('tier', 'stage') then coalesce(flapped.flappers, 0) end as flappers,
    case
        when moved.dimension in ('tier', 'stage')
            then cast(coalesce(flapped.flappers, 0) as double precision) / nullif(moved.customers, 0)
    end as flap_rate
from moved
cross join undamped
left join flapped on moved.dimension = flapped.dimension
