-- Which blocks changed source customers enter and leave, and how many members each touched block had and has.
-- Reads pg_temp.linkage_new and pg_temp.linkage_old (the blocks of the changed, now and before); pii.linkage_key holds the new
-- state. The caller re-judges members of touched address blocks, and of blocks that cross the limit in either direction.
create temporary table linkage_touched on commit drop as
with

moves as (
    select
        block,
        1 as change
    from (
        select
            block,
            source_customer_key
        from pg_temp.linkage_new
        except
        select
            block,
            source_customer_key
        from pg_temp.linkage_old
    ) as entered

    union all

    select
        block,
        -1 as change
    from (
        select
            block,
            source_customer_key
        from pg_temp.linkage_old
        except
        select
            block,
            source_customer_key
        from pg_temp.linkage_new
    ) as gone
),

touched as (
    select block from pg_temp.linkage_new
    union
    select block from pg_temp.linkage_old
),

changes as (
    select
        block,
        sum(change) as change
    from moves
    group by block
),

sizes as (
    select
        stored.block,
        count(*) as members
    from pii.linkage_key as stored
    inner join touched on stored.block = touched.block
    group by stored.block
)

select
    touched.block,
    coalesce(sizes.members, 0) as members_now,
    coalesce(sizes.members, 0) - coalesce(changes.change, 0) as members_before
from touched
left join sizes on touched.block = sizes.block
left join changes on touched.block = changes.block
