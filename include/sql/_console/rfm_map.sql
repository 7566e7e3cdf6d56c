-- The map of recency and frequency with money inside each field. Fields of fewer people than the suppression size are hidden, with
-- the next smallest where only one would be; numbers of people are rounded to multiples of it, money is a mean.
with

size as (
    select coalesce(
        (select cast(setting.value as integer) from bi.setting as setting where setting.name = 'suppressed_group_size'), 10
    ) as least_customers
),

fields as (
    select
        cast(left(profile.member, 1) as integer) as recency,
        cast(right(profile.member, 1) as integer) as frequency,
        profile.customers,
        profile.at_risk_customers,
        profile.net_minor_365d,
        profile.clv_12m_minor,
        profile.value_at_risk_minor,
        profile.mean_churn_probability,
        profile.rfm_segment,
        inside.by_monetary
    from bi.group_profile_value as profile
    left join lateral (
        select
            jsonb_agg(
                jsonb_build_object(
                    'monetary', cast(part.part as integer),
                    'customers', case
                        when part.customers >= size.least_customers
                            then cast(round(part.customers / cast(size.least_customers as numeric)) as bigint) * size.least_customers
                    end,
                    'is_suppressed', part.customers < size.least_customers
                )
                order by part.part desc
            ) as by_monetary
        from bi.group_profile_value as part
        cross join size
        where
            part.as_of_date = profile.as_of_date
            and part.grouping = 'rfm_cell'
            and part.member = profile.member
            and part.part <> 'all'
    ) as inside on true
    where profile.as_of_date = :as_of_date and profile.grouping = 'rfm_cell' and profile.part = 'all'
),

ranked as (
    select
        fields.*,
        size.least_customers,
        fields.customers < size.least_customers as is_small,
        count(*) filter (where fields.customers < size.least_customers) over () as count_small,
        row_number() over (
            order by fields.customers < size.least_customers, fields.customers, fields.recency, fields.frequency
        ) as place,
        sum(fields.customers) over () as all_customers
    from fields
    cross join size
),

shown as (
    select
        ranked.*,
        is_small or (count_small = 1 and place = 1) as is_suppressed,
        cast(round(customers / cast(least_customers as numeric)) as bigint) * least_customers as rounded
    from ranked
)

select
    shown.recency,
    shown.frequency,
    case when not shown.is_suppressed then shown.rounded end as customers,
    case when not shown.is_suppressed then cast(round(shown.rounded / nullif(shown.all_customers, 0), 3) as double precision) end as share,
    case
        when not shown.is_suppressed and (shown.at_risk_customers = 0 or shown.at_risk_customers >= shown.least_customers)
            then cast(round(shown.at_risk_customers / cast(shown.least_customers as numeric)) as bigint) * shown.least_customers
    end as at_risk_customers,
    case when not shown.is_suppressed then cast(round(shown.net_minor_365d / shown.customers) as bigint) end as mean_net_minor_365d,
    case when not shown.is_suppressed then cast(round(shown.clv_12m_minor / shown.customers) as bigint) end as mean_clv_12m_minor,
    case
        when not shown.is_suppressed then cast(round(shown.value_at_risk_minor / shown.customers) as bigint)
    end as mean_value_at_risk_minor,
    shown.rfm_segment,
    label.label_en,
    label.label_zh,
    case when not shown.is_suppressed then shown.mean_churn_probability end as mean_churn_probability,
    case when shown.is_suppressed then cast('[]' as jsonb) else coalesce(shown.by_monetary, cast('[]' as jsonb)) end as by_monetary,
    shown.is_suppressed
from shown
left join segments.label as label on label.label_group = 'rfm_segment' and shown.rfm_segment = label.label
order by shown.recency desc, shown.frequency desc
