-- The champion of each kind of model, and the two newest challengers.
with

ranked as (
    select
        model.*,
        row_number() over (partition by model.kind, model.state order by model.created_at desc) as place
    from ops.model as model
    where model.state in ('champion', 'challenger')
)

select
    kind,
    state,
    model_version,
    as_of_date,
    labels_until,
    horizon_days,
    definition,
    training_rows,
    created_at,
    promoted_at,
    decision
from ranked
where (state = 'champion' and place = 1) or (state = 'challenger' and place <= 2)
order by kind, state, created_at desc
