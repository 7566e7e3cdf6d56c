-- How far the mix of each audience has moved from that of the days before: the largest index over tiers, churn and value bands.
with

newest as (
    select max(as_of_date) as as_of_date
    from bi.audience_mix
    where as_of_date <= :as_of_date and as_of_date > cast(:as_of_date as date) - 7
),

now as (
    select
        mix.play,
        mix.dimension,
        mix.member,
        mix.members,
        sum(mix.members) over (partition by mix.play, mix.dimension) as total
    from newest
    inner join bi.audience_mix as mix on newest.as_of_date = mix.as_of_date
),

days as (
    select
        mix.play,
        count(distinct mix.as_of_date) as days
    from newest
    inner join bi.audience_mix as mix
        on newest.as_of_date > mix.as_of_date and newest.as_of_date - cast(:comparison_days as integer) <= mix.as_of_date
    group by mix.play
),

before as (
    select
        mix.play,
        mix.dimension,
        mix.member,
        sum(mix.members) as members,
        sum(sum(mix.members)) over (partition by mix.play, mix.dimension) as total
    from newest
    inner join bi.audience_mix as mix
        on newest.as_of_date > mix.as_of_date and newest.as_of_date - cast(:comparison_days as integer) <= mix.as_of_date
    group by mix.play, mix.dimension, mix.member
),

totals as (
    select distinct
        now.play,
        now.dimension,
        now.total,
        before.total as total_before
    from now
    inner join before on now.play = before.play and now.dimension = before.dimension
),

-- Every member that either side knows; an empty group counts as a ten-thousandth, so that the logarithm stays finite.
known as (
    select
        play,
        dimension,
        member
    from now
    union
    select
        play,
        dimension,
        member
    from before
),

members as (
    select
        totals.play,
        totals.dimension,
        totals.total,
        days.days,
        greatest(coalesce(now.members, 0)::double precision / totals.total, 0.0001) as share,
        greatest(coalesce(before.members, 0)::double precision / totals.total_before, 0.0001) as share_before
    from totals
    inner join days on totals.play = days.play
    inner join known on totals.play = known.play and totals.dimension = known.dimension
    left join now on known.play = now.play and known.dimension = now.dimension and known.member = now.member
    left join before on known.play = before.play and known.dimension = before.dimension and known.member = before.member
),

indexes as (
    select
        play,
        dimension,
        min(total) as total,
        min(days) as days,
        sum((share - share_before) * ln(share / share_before)) as stability_index,
        -- What two samples of this size give by chance, twice: small audiences look different from day to day.
        2 * (count(*) - 1) * 2.0 / min(total) as chance
    from members
    group by play, dimension
)

select distinct on (play)
    play as subject,
    case
        when total >= :minimum_people and days >= :comparison_least_days then greatest(stability_index, 0)::double precision
    end as value,
    (:mix_shift_index + chance)::double precision as objective,
    jsonb_build_object('dimension', dimension, 'members', total) as parts
from indexes
order by play asc, stability_index - chance desc, dimension asc
