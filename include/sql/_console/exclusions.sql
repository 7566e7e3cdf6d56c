-- Whom each rule keeps out as the first one that fails: over all plays, or of one; the newest plan beside the one before. Rules that keep
-- fewer people out than the suppression size are hidden.
with

size as (
    select coalesce(
        (select cast(setting.value as integer) from bi.setting as setting where setting.name = 'suppressed_group_size'), 10
    ) as least_customers
),

dates as (
    select
        cast(slice_key as date) as as_of_date,
        row_number() over (order by cast(slice_key as date) desc) as place
    from ops.published
    where table_name = 'campaigns.exclusion_count'
),

counted as (
    select
        counts.rule,
        coalesce(sum(counts.customers_first) filter (where dates.place = 1), 0) as first,
        coalesce(sum(counts.customers_any) filter (where dates.place = 1), 0) as any_rule,
        sum(counts.customers_first) filter (where dates.place = 2) as first_before,
        max(dates.as_of_date) as as_of_date
    from dates
    inner join campaigns.exclusion_count as counts on dates.as_of_date = counts.as_of_date
    where
        dates.place <= 2
        and counts.rule <> 'control'
        and (cast(:play as text) is null or counts.play = :play)
    group by counts.rule
)

select
    counted.as_of_date,
    counted.rule,
    rule.position,
    rule.label_en,
    rule.label_zh,
    case when counted.first = 0 or counted.first >= size.least_customers then cast(counted.first as bigint) end as first,
    case when counted.any_rule = 0 or counted.any_rule >= size.least_customers then cast(counted.any_rule as bigint) end as any_rule,
    case
        when counted.first_before = 0 or counted.first_before >= size.least_customers then cast(counted.first_before as bigint)
    end as first_before,
    counted.first > 0 and counted.first < size.least_customers as is_suppressed
from counted
cross join size
inner join campaigns.exclusion_rule as rule on counted.rule = rule.rule
where counted.any_rule > 0 or counted.first_before > 0
order by counted.first desc, rule.position asc
