-- Every group of the newest date, small ones hidden, numbers of people rounded by the view.
select
    dimension,
    member,
    label_en,
    label_zh,
    position,
    customers,
    purchasers,
    share,
    at_risk_customers,
    mean_net_minor_365d,
    mean_clv_12m_minor,
    mean_value_at_risk_minor,
    mean_churn_probability,
    is_suppressed
from bi.segment_history
where as_of_date = :as_of_date and dimension <> 'rfm_cell'
order by dimension asc, position desc nulls last, customers desc nulls last, member asc
