-- Everybody of the day's population with what the CRM says: attributes of the person, tags in force, and what the tags ask for.
-- Tags of the CRM are compared in lower case and without blanks around them. A tag stands from the moment it was set to the moment
-- it was taken off or the source deleted it.
with

known as (
    select customer_key
    from features.customer_engagement
    where as_of_date = :as_of_date
),

people as (
    select
        customer.customer_key,
        customer.gender,
        cast(extract(year from cast(:as_of_date as date)) as integer) - customer.birth_year as age_years,
        customer.region,
        customer.city,
        customer.occupation,
        customer.customer_kind,
        customer.language,
        customer.acquisition_channel,
        customer.personality_tag,
        customer.wedding_md is not null as has_wedding_anniversary,
        cast(:as_of_date as date) - cast(customer.member_since at time zone :business_timezone as date) as days_since_member
    from core.customer
    where
        customer.valid_from < :as_of
        and (customer.valid_to is null or customer.valid_to >= :as_of)
),

standing as (
    select distinct
        customer_key,
        lower(btrim(tag)) as crm_tag
    from core.customer_tag
    where
        set_at < :as_of
        and (removed_at is null or removed_at >= :as_of)
        and (deleted_at is null or deleted_at >= :as_of)
),

crm as (
    select
        standing.customer_key,
        array_agg(distinct standing.crm_tag order by standing.crm_tag) as crm_tags,
        coalesce(bool_or(rule.effect = 'no_promotion'), false) as is_promotion_barred,
        coalesce(bool_or(rule.effect = 'legal_hold'), false) as is_legal_hold
    from standing
    left join segments.crm_tag_rule as rule on standing.crm_tag = rule.crm_tag
    group by standing.customer_key
),

-- Of several tags that name a tier the one that fixes it goes before one that only sets the least; of equals the higher tier.
forced as (
    select distinct on (standing.customer_key)
        standing.customer_key,
        standing.crm_tag,
        rule.effect,
        rule.service_tier
    from standing
    inner join segments.crm_tag_rule as rule on standing.crm_tag = rule.crm_tag
    inner join segments.label as label on rule.service_tier = label.label and label.label_group = 'service_tier'
    order by standing.customer_key, rule.effect desc, label.label_order desc, standing.crm_tag
)

select
    known.customer_key,
    people.gender,
    people.age_years,
    people.region,
    people.city,
    people.occupation,
    people.customer_kind,
    people.language,
    people.acquisition_channel,
    people.personality_tag,
    people.has_wedding_anniversary,
    people.days_since_member,
    coalesce(crm.crm_tags, cast(array[] as text [])) as crm_tags,
    coalesce(crm.is_promotion_barred, false) as is_promotion_barred,
    coalesce(crm.is_legal_hold, false) as is_legal_hold,
    forced.crm_tag as tier_tag,
    forced.effect as tier_effect,
    forced.service_tier as effect_tier
from known
left join people on known.customer_key = people.customer_key
left join crm on known.customer_key = crm.customer_key
left join forced on known.customer_key = forced.customer_key
