-- Who counts in the KPIs, with their cell and what is known of them, read together once a day: everybody of the date but test accounts
-- and staff. A cell is one combination of the six headings under which a customer counts (bi/_kpi_headings), as a number: queries
-- group a million customers by it and come to names only with the few thousand cells. Stands for `kpi.labels` in the queries.
select
    labels.*,
    hash_record_extended(
        row(labels.tier, labels.stage, labels.segment, labels.membership, labels.acquisition_channel, labels.region), 0
    ) as cell
from (
    select
        tier.customer_key,
        tier.service_tier as tier,
        lifecycle.lifecycle_stage as stage,
        rfm.rfm_segment as segment,
        membership.membership_level as membership,
        customer.acquisition_channel,
        customer.region,
        customer.customer_key is not null as is_known,
        tier.is_at_risk,
        matrix.value_class,
        rfm.rfm_class,
        rfm.recency_score,
        rfm.frequency_score,
        rfm.monetary_score,
        rfm.net_minor_365d,
        persona.persona,
        churn.churn_probability,
        clv.clv_12m_minor
    from segments.tier as tier
    left join segments.lifecycle as lifecycle
        on tier.as_of_date = lifecycle.as_of_date and tier.customer_key = lifecycle.customer_key
    left join segments.rfm as rfm on tier.as_of_date = rfm.as_of_date and tier.customer_key = rfm.customer_key
    left join segments.membership as membership
        on tier.as_of_date = membership.as_of_date and tier.customer_key = membership.customer_key
    left join segments.value_matrix as matrix on tier.as_of_date = matrix.as_of_date and tier.customer_key = matrix.customer_key
    left join scores.churn as churn on tier.as_of_date = churn.as_of_date and tier.customer_key = churn.customer_key
    left join scores.clv as clv on tier.as_of_date = clv.as_of_date and tier.customer_key = clv.customer_key
    left join scores.persona as persona on tier.as_of_date = persona.as_of_date and tier.customer_key = persona.customer_key
    left join core.customer as customer on tier.customer_key = customer.customer_key and customer.valid_to is null
    where
        tier.as_of_date = :as_of_date
        and not coalesce(customer.is_test or customer.is_staff, false)
) as labels
