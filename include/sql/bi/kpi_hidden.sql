-- bi.kpi_hidden: people behind hidden days, carried on through the month. `kpi.staged` stands for the day's rows of bi.kpi_value.
with

hidden_today as (
    select
        staged.kpi,
        staged.dimension,
        staged.member,
        staged.customers
    from kpi.staged as staged
    where staged.period = 'day' and staged.dimension <> 'all' and staged.customers between 1 and :smallest - 1
),

hidden_before as (
    select
        hidden.kpi,
        hidden.dimension,
        hidden.member,
        hidden.hidden_customers,
        hidden.released_customers
    from bi.kpi_hidden as hidden
    where hidden.as_of_date = :carried_from
),

together as (
    select
        coalesce(today.kpi, before.kpi) as kpi,
        coalesce(today.dimension, before.dimension) as dimension,
        coalesce(today.member, before.member) as member,
        coalesce(before.hidden_customers, 0) + coalesce(today.customers, 0) as hidden_customers,
        coalesce(before.released_customers, 0) as released_before
    from hidden_today as today
    full outer join hidden_before as before
        on today.kpi = before.kpi and today.dimension = before.dimension and today.member = before.member
),

judged as (
    select
        together.*,
        together.hidden_customers - together.released_before not between 1 and :smallest - 1 as is_released
    from together
)

select
    cast(:as_of_date as date) as as_of_date,
    kpi,
    dimension,
    member,
    hidden_customers,
    case when is_released then hidden_customers else released_before end as released_customers,
    is_released
from judged
