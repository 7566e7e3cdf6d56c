-- with (security_barrier = true)
-- bi.segment_tag: customers per tag as of the newest published date. Tags that few have are left out altogether: what staff
-- write into a tag, and a rare city or occupation, may tell who it is.
with

size as (
    select coalesce(
        (select cast(setting.value as integer) from bi.setting as setting where setting.name = 'suppressed_group_size'), 10
    ) as least_customers
),

rules as (
    select distinct
        tag,
        label_en,
        label_zh
    from segments.tag_rule
),

crm_rules as (
    select distinct
        crm_tag,
        label_en,
        label_zh
    from segments.crm_tag_rule
),

counted as (
    select
        tag.as_of_date,
        one.kind,
        one.code,
        count(*) as customers
    from segments.tag as tag
    cross join lateral (
        select
            'behavioural' as kind,
            unnest(tag.tags) as code
        union all
        select
            'demographic' as kind,
            unnest(tag.demographic_tags) as code
        union all
        select
            'geographic' as kind,
            unnest(tag.geographic_tags) as code
        union all
        select
            'crm' as kind,
            unnest(tag.crm_tags) as code
    ) as one
    where tag.as_of_date = (
        select max(cast(published.slice_key as date))
        from ops.published as published
        where published.table_name = 'segments.tag'
    )
    group by tag.as_of_date, one.kind, one.code
)

select
    counted.as_of_date,
    counted.kind,
    counted.code as tag,
    coalesce(
        replace(rules.label_en, '{value}', substr(counted.code, length(rules.tag) + 2)), crm_rules.label_en, counted.code
    ) as label_en,
    coalesce(
        replace(rules.label_zh, '{value}', substr(counted.code, length(rules.tag) + 2)), crm_rules.label_zh, counted.code
    ) as label_zh,
    counted.customers
from counted
inner join size on counted.customers >= size.least_customers
left join rules on counted.kind <> 'crm' and split_part(counted.code, ':', 1) = rules.tag
left join crm_rules on counted.kind = 'crm' and counted.code = crm_rules.crm_tag
