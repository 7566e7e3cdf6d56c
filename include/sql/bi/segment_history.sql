-- with (security_barrier = true)
-- bi.segment_history: sizes and value of every group, day by day. Numbers of people are rounded to whole multiples of the
-- suppression size: the difference of two days, or of two groups that hold nearly the same people, then tells of nobody. Groups
-- below the size are hidden, with one more where only one would be. Money is shown as a mean: a sum, set against the day before,
-- would show what the one person spent who came or went.
with

sized as (
    select
        total.as_of_date,
        total.grouping as dimension,
        case total.grouping
            when 'rfm_cell' then total.member || '-' || total.part
            when 'tier_stage' then total.member || '/' || total.part
            else total.member
        end as member,
        total.customers,
        total.purchasers,
        total.at_risk_customers,
        total.net_minor_365d,
        total.clv_12m_minor,
        total.value_at_risk_minor,
        total.mean_churn_probability,
        size.least_customers,
        total.customers < size.least_customers as is_small
    from bi.group_profile_value as total
    cross join (
        select coalesce(
            (select cast(setting.value as integer) from bi.setting as setting where setting.name = 'suppressed_group_size'), 10
        ) as least_customers
    ) as size
    where total.grouping in ('rfm_cell', 'tier_stage') = (total.part <> 'all')
),

ranked as (
    select
        sized.*,
        count(*) filter (where sized.is_small) over (partition by sized.as_of_date, sized.dimension) as count_small,
        sum(sized.customers) over (partition by sized.as_of_date, sized.dimension) as all_customers,
        row_number() over (
            partition by sized.as_of_date, sized.dimension order by sized.is_small, sized.customers, sized.member
        ) as place
    from sized
),

shown as (
    select
        ranked.*,
        ranked.is_small or (ranked.count_small = 1 and ranked.place = 1 and ranked.dimension <> 'all') as is_suppressed,
        -- A handful at risk, or a handful who bought, is as telling as a small group; nobody is not.
        ranked.at_risk_customers = 0 or ranked.at_risk_customers >= ranked.least_customers as shows_risk,
        ranked.purchasers = 0 or ranked.purchasers >= ranked.least_customers as shows_purchasers,
        cast(round(ranked.customers / cast(ranked.least_customers as numeric)) as bigint) * ranked.least_customers as rounded,
        cast(round(ranked.all_customers / ranked.least_customers) as bigint) * ranked.least_customers as all_rounded
    from ranked
)

select
    shown.as_of_date,
    shown.dimension,
    shown.member,
    coalesce(label.label_en, shown.member) as label_en,
    coalesce(label.label_zh, shown.member) as label_zh,
    label.position,
    case when not shown.is_suppressed then shown.rounded end as customers,
    case
        when not shown.is_suppressed
            then cast(round(shown.rounded / cast(nullif(shown.all_rounded, 0) as numeric), 3) as double precision)
    end as share,
    case
        when not shown.is_suppressed and shown.shows_risk
            then cast(round(shown.at_risk_customers / cast(shown.least_customers as numeric)) as bigint) * shown.least_customers
    end as at_risk_customers,
    case
        when not shown.is_suppressed and shown.shows_purchasers
            then cast(round(shown.purchasers / cast(shown.least_customers as numeric)) as bigint) * shown.least_customers
    end as purchasers,
    case
        when not shown.is_suppressed and shown.shows_purchasers then shown.net_minor_365d / shown.customers
    end as mean_net_minor_365d,
    case
        when not shown.is_suppressed and shown.shows_purchasers then shown.clv_12m_minor / shown.customers
    end as mean_clv_12m_minor,
    case
        when not shown.is_suppressed and shown.shows_purchasers then shown.value_at_risk_minor / shown.customers
    end as mean_value_at_risk_minor,
    case
        when not shown.is_suppressed and shown.shows_purchasers
            then cast(round(cast(shown.mean_churn_probability as numeric), 3) as double precision)
    end as mean_churn_probability,
    shown.is_suppressed
from shown
left join bi.segment_label as label on shown.dimension = label.dimension and shown.member = label.member
