-- with (security_barrier = true)
-- bi.product_association: what goes together, as of the newest published date. Rules of few customers never get as far as here
-- (settings.associations.least_customers); the suppression size is asked all the same.
select
    association.as_of_date,
    association.level,
    association.kind,
    association.antecedent,
    association.consequent,
    association.count_both as orders_both,
    association.count_antecedent as orders_antecedent,
    association.support,
    association.confidence,
    association.confidence_lower,
    association.lift,
    association.mean_days
from scores.association as association
where
    association.as_of_date = (
        select max(cast(published.slice_key as date))
        from ops.published as published
        where published.table_name = 'scores.association'
    )
    and association.count_customers >= coalesce(
        (select cast(setting.value as integer) from bi.setting as setting where setting.name = 'suppressed_group_size'), 10
    )
