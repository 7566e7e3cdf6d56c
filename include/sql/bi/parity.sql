-- with (security_barrier = true)
-- bi.parity: do people of one sex, age or region get other tiers and offers than the rest, as of the newest planned date?
-- Beside the plain rates stands what was to be expected had only value class and stage decided: tiers follow what people spend, and
-- groups may spend differently. Nobody's row is shown, and no group below the suppression size.
with

offered as (
    select distinct decision.customer_key
    from campaigns.decision as decision
    where
        decision.as_of_date = (
            select max(cast(published.slice_key as date))
            from ops.published as published
            where published.table_name = 'campaigns.decision'
        )
        and decision.state = 'selected'
        and decision.kind = 'promotional'
        and cast(decision.offer_terms as jsonb) ->> 'kind' not in ('none', 'information', 'service')
),

people as (
    select
        tier.as_of_date,
        tier.service_tier,
        coalesce(matrix.value_class, 'none') as value_class,
        coalesce(lifecycle.lifecycle_stage, 'none') as lifecycle_stage,
        coalesce(customer.gender, 'unknown') as gender,
        coalesce(customer.region, 'unknown') as region,
        case
            when customer.birth_year is null then 'unknown'
            when extract(year from tier.as_of_date) - customer.birth_year < 25 then 'under 25'
            when extract(year from tier.as_of_date) - customer.birth_year < 35 then '25-34'
            when extract(year from tier.as_of_date) - customer.birth_year < 45 then '35-44'
            when extract(year from tier.as_of_date) - customer.birth_year < 55 then '45-54'
            when extract(year from tier.as_of_date) - customer.birth_year < 65 then '55-64'
            else '65 and over'
        end as age_band,
        offered.customer_key is not null as is_offered
    from segments.tier as tier
    inner join core.customer as customer
        on tier.customer_key = customer.customer_key and customer.valid_to is null and not customer.is_staff
    left join segments.value_matrix as matrix
        on tier.as_of_date = matrix.as_of_date and tier.customer_key = matrix.customer_key
    left join segments.lifecycle as lifecycle
        on tier.as_of_date = lifecycle.as_of_date and tier.customer_key = lifecycle.customer_key
    left join offered on tier.customer_key = offered.customer_key
    where tier.as_of_date = (
        select max(cast(published.slice_key as date))
        from ops.published as published
        where published.table_name = 'campaigns.decision'
    )
),

cells as (
    -- Few rows from here on: one per combination that occurs.
    select
        as_of_date,
        service_tier,
        value_class,
        lifecycle_stage,
        gender,
        region,
        age_band,
        count(*) as customers,
        count(*) filter (where is_offered) as offered_customers
    from people
    group by as_of_date, service_tier, value_class, lifecycle_stage, gender, region, age_band
),

outcomes as (
    select
        cells.as_of_date,
        cells.value_class,
        cells.lifecycle_stage,
        cells.gender,
        cells.region,
        cells.age_band,
        outcome.subject,
        outcome.outcome,
        sum(cells.customers) as customers,
        sum(outcome.customers_with) as customers_with
    from cells
    cross join lateral (
        values
        ('tier', 'vip', case when cells.service_tier = 'vip' then cells.customers else 0 end),
        ('tier', 'potential', case when cells.service_tier = 'potential' then cells.customers else 0 end),
        ('tier', 'ordinary', case when cells.service_tier = 'ordinary' then cells.customers else 0 end),
        ('tier', 'marginal', case when cells.service_tier = 'marginal' then cells.customers else 0 end),
        ('offer', 'priced', cells.offered_customers)
    ) as outcome (subject, outcome, customers_with)
    group by
        cells.as_of_date, cells.value_class, cells.lifecycle_stage, cells.gender, cells.region, cells.age_band, outcome.subject,
        outcome.outcome
),

alike as (
    -- Of all customers of one value class and stage, the share with the outcome.
    select
        subject,
        outcome,
        value_class,
        lifecycle_stage,
        sum(customers_with) / sum(customers) as rate
    from outcomes
    group by subject, outcome, value_class, lifecycle_stage
),

compared as (
    select
        outcomes.as_of_date,
        member.attribute,
        member.member,
        outcomes.subject,
        outcomes.outcome,
        sum(outcomes.customers) as customers,
        sum(outcomes.customers_with) as customers_with,
        sum(outcomes.customers * alike.rate) as customers_expected,
        sum(outcomes.customers * alike.rate * (1 - alike.rate)) as variance
    from outcomes
    inner join alike
        on outcomes.subject = alike.subject
        and outcomes.outcome = alike.outcome
        and outcomes.value_class = alike.value_class
        and outcomes.lifecycle_stage = alike.lifecycle_stage
    cross join lateral (
        values ('gender', outcomes.gender), ('age_band', outcomes.age_band), ('region', outcomes.region)
    ) as member (attribute, member)
    group by outcomes.as_of_date, member.attribute, member.member, outcomes.subject, outcomes.outcome
),

totals as (
    select
        compared.*,
        sum(compared.customers_with) over whole / sum(compared.customers) over whole as rate_all,
        compared.customers < coalesce(
            (select cast(setting.value as integer) from bi.setting as setting where setting.name = 'suppressed_group_size'), 10
        ) as is_suppressed
    from compared
    window whole as (partition by compared.attribute, compared.subject, compared.outcome)
)

select
    as_of_date,
    attribute,
    case when is_suppressed then 'small groups' else member end as member,
    subject,
    outcome,
    cast(sum(customers) as bigint) as customers,
    cast(sum(customers_with) / sum(customers) as double precision) as rate,
    cast(max(rate_all) as double precision) as rate_all,
    cast(sum(customers_with) / sum(customers) / nullif(max(rate_all), 0) as double precision) as ratio,
    cast(sum(customers_expected) / sum(customers) as double precision) as rate_expected,
    cast(sum(customers_with) / nullif(sum(customers_expected), 0) as double precision) as ratio_expected,
    coalesce(
        sum(customers_with) < 0.8 * sum(customers_expected)
        and sum(customers_expected) - sum(customers_with) > 3 * sqrt(cast(sum(variance) as double precision)),
        false
    ) as is_notable
from totals
group by as_of_date, attribute, case when is_suppressed then 'small groups' else member end, subject, outcome
having sum(customers) >= coalesce(
    (select cast(setting.value as integer) from bi.setting as setting where setting.name = 'suppressed_group_size'), 10
)
