-- KPIs of money for bi.kpi_value: what promotion cost, what it brought by its measured effects, and how the money split between the
-- customers who matter most and the others. A touch handed out counts on the day of its plan.
-- `kpi.labels` stands for the customers with their cells, `kpi.headings` for the headings of each cell.
with

-- Most records are a person of their own: only the others are looked up.
merged as materialized (
    select
        source_customer_key,
        customer_key
    from core.customer_alias
    where source_customer_key <> customer_key
),

periods as (
    select 'day' as period, cast(:day_start as timestamptz) as starts_at, cast(:as_of_date as date) - 1 as starts_on
    union all
    select 'month' as period, cast(:month_start as timestamptz) as starts_at, cast(:month_start_on as date) as starts_on
),

-- What a contact of a play brings, as margin, where its control group is large enough to tell; an effect is on revenue after the
-- offer. Null where no effect can be seen: what is not seen brings nothing, but it costs.
effects as (
    select *
    from jsonb_to_recordset(cast(:effects as jsonb)) as effect (play text, margin_minor double precision)
),

touches as (
    select
        coalesce(alias.customer_key, delivery.customer_key) as customer_key,
        delivery.play,
        delivery.channel,
        delivery.as_of_date,
        coalesce(delivery.expected_cost_minor, delivery.cost_minor) as cost_minor,
        case
            when effects.play is null then null
            when effects.margin_minor is null then 0
            else effects.margin_minor
                + greatest(coalesce(delivery.expected_cost_minor, delivery.cost_minor) - delivery.cost_minor, 0)
        end as brought_minor
    from campaigns.delivery as delivery
    left join merged as alias on delivery.customer_key = alias.source_customer_key
    left join effects on delivery.play = effects.play
    where
        delivery.kind = 'promotional'
        and delivery.as_of_date >= cast(:month_start_on as date)
        and delivery.as_of_date < :as_of_date
),

-- Once per customer, play and channel: headings multiply the rows only after the sums.
touched as (
    select
        periods.period,
        touches.customer_key,
        touches.play,
        touches.channel,
        sum(touches.cost_minor) as cost_minor,
        sum(touches.brought_minor) as brought_minor,
        sum(touches.cost_minor) filter (where touches.brought_minor is not null) as measured_cost_minor
    from touches
    inner join periods on touches.as_of_date >= periods.starts_on
    group by periods.period, touches.customer_key, touches.play, touches.channel
),

by_customer as (
    select
        period,
        customer_key,
        sum(cost_minor) as cost_minor,
        sum(brought_minor) as brought_minor,
        sum(measured_cost_minor) as measured_cost_minor
    from touched
    group by period, customer_key
),

by_play as (
    select
        period,
        play,
        sum(cost_minor) as cost_minor,
        sum(brought_minor) as brought_minor,
        sum(measured_cost_minor) as measured_cost_minor,
        count(*) as customers,
        count(brought_minor) as measured_customers
    from (
        select
            period,
            play,
            customer_key,
            sum(cost_minor) as cost_minor,
            sum(brought_minor) as brought_minor,
            sum(measured_cost_minor) as measured_cost_minor
        from touched
        group by period, play, customer_key
    ) as of_customer
    group by period, play
),

by_channel as (
    select
        period,
        channel,
        sum(cost_minor) as cost_minor,
        sum(brought_minor) as brought_minor,
        sum(measured_cost_minor) as measured_cost_minor,
        count(*) as customers,
        count(brought_minor) as measured_customers
    from (
        select
            period,
            channel,
            customer_key,
            sum(cost_minor) as cost_minor,
            sum(brought_minor) as brought_minor,
            sum(measured_cost_minor) as measured_cost_minor
        from touched
        group by period, channel, customer_key
    ) as of_customer
    group by period, channel
),

combinations as (
    select
        by_customer.period,
        labels.cell,
        sum(by_customer.cost_minor) as cost_minor,
        sum(by_customer.brought_minor) as brought_minor,
        sum(by_customer.measured_cost_minor) as measured_cost_minor,
        count(*) as customers,
        count(by_customer.brought_minor) as measured_customers
    from by_customer
    left join kpi.labels as labels on by_customer.customer_key = labels.customer_key
    group by by_customer.period, labels.cell
),

headed as (
    select
        combinations.period,
        coalesce(heading.dimension, 'all') as dimension,
        coalesce(heading.member, 'all') as member,
        combinations.cost_minor,
        combinations.brought_minor,
        combinations.measured_cost_minor,
        combinations.customers,
        combinations.measured_customers
    from combinations
    left join kpi.headings as heading on combinations.cell = heading.cell
    union all
    select period, 'play' as dimension, play as member, cost_minor, brought_minor, measured_cost_minor, customers, measured_customers
    from by_play
    union all
    select
        period, 'channel' as dimension, channel as member, cost_minor, brought_minor, measured_cost_minor, customers,
        measured_customers
    from by_channel
),

sums as (
    select
        period,
        dimension,
        member,
        sum(cost_minor) as cost_minor,
        sum(brought_minor) as brought_minor,
        sum(measured_cost_minor) as measured_cost_minor,
        cast(sum(customers) as bigint) as customers,
        cast(sum(measured_customers) as bigint) as measured_customers
    from headed
    where member is not null
    group by period, dimension, member
),

-- The rule holds for what was decided; days that were planned and never pushed spent nothing.
split as (
    select
        periods.period,
        sum(allocation.top_cost_minor) as top_cost_minor,
        sum(allocation.cost_minor) as cost_minor,
        sum(allocation.chosen) as chosen
    from periods
    inner join campaigns.allocation as allocation
        on allocation.as_of_date >= periods.starts_on and allocation.as_of_date < :as_of_date
    where exists (select 1 from campaigns.push_receipt as receipt where receipt.business_date + 1 = allocation.as_of_date)
    group by periods.period
),

kpis as (
    select
        sums.period,
        sums.dimension,
        sums.member,
        kpi.kpi,
        kpi.numerator,
        kpi.denominator,
        kpi.customers
    from sums
    cross join lateral (
        values
        ('spend', sums.cost_minor, cast(1 as double precision), sums.customers),
        ('return_on_spend', sums.brought_minor, sums.measured_cost_minor, sums.measured_customers)
    ) as kpi (kpi, numerator, denominator, customers)
    where kpi.kpi = 'spend' or kpi.denominator > 0
    union all
    select
        split.period,
        'all' as dimension,
        'all' as member,
        'top_spend_share' as kpi,
        split.top_cost_minor as numerator,
        split.cost_minor as denominator,
        cast(split.chosen as bigint) as customers
    from split
    where split.cost_minor > 0
)

select
    :as_of_date as as_of_date,
    kpis.kpi,
    kpis.period,
    cast(periods.starts_at at time zone :business_timezone as date) as period_start,
    kpis.dimension,
    kpis.member,
    coalesce(kpis.numerator, 0) as numerator,
    kpis.denominator,
    coalesce(kpis.numerator, 0) / nullif(kpis.denominator, 0) as value,
    kpis.customers
from kpis
inner join periods on kpis.period = periods.period
