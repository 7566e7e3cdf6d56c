-- with (security_barrier = true)
-- bi.group_profile: groups of customers, small ones hidden.
with

size as (
    select coalesce(
        (select cast(setting.value as bigint) from bi.setting as setting where setting.name = 'suppressed_group_size'), 10
    ) as least_customers
),

sizes as (
    select
        profile.*,
        size.least_customers,
        profile.part <> 'all' as is_part,
        profile.customers < size.least_customers as is_small
    from bi.group_profile_value as profile
    cross join size
),

ranked as (
    select
        sizes.*,
        count(*) filter (where is_small) over (partition by as_of_date, grouping, is_part) as count_small,
        row_number() over (partition by as_of_date, grouping, is_part order by is_small, customers, member, part) as place
    from sizes
),

shown as (
    select
        ranked.*,
        is_small or (not is_part and count_small = 1 and place = 1) as is_suppressed
    from ranked
)

select
    as_of_date,
    grouping,
    member,
    part,
    case
        when is_suppressed then null
        when is_part then cast(round(customers / cast(least_customers as numeric)) as bigint) * least_customers
        else customers
    end as customers,
    case when not is_suppressed and not is_part then purchasers end as purchasers,
    case
        when is_suppressed or (at_risk_customers > 0 and at_risk_customers < least_customers) then null
        when is_part then cast(round(at_risk_customers / cast(least_customers as numeric)) as bigint) * least_customers
        else at_risk_customers
    end as at_risk_customers,
    case when not is_suppressed and not is_part then net_minor_365d end as net_minor_365d,
    case when not is_suppressed and not is_part then clv_12m_minor end as clv_12m_minor,
    case when not is_suppressed and not is_part then value_at_risk_minor end as value_at_risk_minor,
    case when not is_suppressed and not is_part then mean_churn_probability end as mean_churn_probability,
    rfm_segment,
    is_suppressed
from shown
