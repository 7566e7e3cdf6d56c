-- The scores of one customer as of a date.
select
    churn.churn_probability,
    churn.horizon_days,
    churn.model_version,
    churn.is_fallback,
    clv.clv_12m_minor,
    clv.clv_12m_lower_minor,
    clv.clv_12m_upper_minor,
    clv.probability_alive,
    clv.horizon_days as clv_horizon_days,
    clv.model_version as clv_model_version,
    clv.is_fallback as clv_is_fallback,
    repurchase.probability_30d,
    repurchase.probability_90d,
    repurchase.next_order_date,
    repurchase.next_order_from,
    repurchase.next_order_until,
    repurchase.model_version as repurchase_model_version,
    repurchase.is_fallback as repurchase_is_fallback
from scores.churn as churn
left join scores.clv as clv on churn.as_of_date = clv.as_of_date and churn.customer_key = clv.customer_key
left join scores.repurchase as repurchase
    on churn.as_of_date = repurchase.as_of_date and churn.customer_key = repurchase.customer_key
where churn.as_of_date = :as_of_date and churn.customer_key = :customer
