-- Marks what waits for approval. Joins wait in the audiences of :joins, everything else in those of :rest, but for whoever may not be
-- kept: their time is over, they said no (:exempt), or they only move to the surviving record of a person.
-- Who waits to leave one promotion joins no other meanwhile: nobody is in two because a budget held one of them back.
with

waiting as (
    select
        campaign,
        customer_key,
        send_key,
        kind,
        change
    from pg_temp.push_difference
    where
        (change in ('added', 'renewed', 'task_added') and campaign = any(cast(:joins as text [])))
        or (change = 'updated' and campaign = any(cast(:rest as text [])))
        or (
            change in ('removed', 'task_withdrawn')
            and campaign = any(cast(:rest as text []))
            and not is_expired
            and not is_moving
            and coalesce(reason, '') <> all(cast(:exempt as text []))
        )
),

kept as (
    select distinct customer_key
    from waiting
    where change = 'removed' and kind = 'promotional'
)

update pg_temp.push_difference as difference
set is_withheld = true
where
    exists (
        select 1
        from waiting
        where
            waiting.campaign = difference.campaign
            and waiting.customer_key = difference.customer_key
            and waiting.send_key = difference.send_key
            and waiting.change = difference.change
    )
    or (
        difference.change in ('added', 'renewed')
        and difference.kind = 'promotional'
        and exists (select 1 from kept where kept.customer_key = difference.customer_key)
    )
returning difference.campaign
