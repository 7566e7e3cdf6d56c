-- core.customer: the versions of the touched people, put together from what each source says about each of its customers.
-- Whenever a source changes something, a new version begins; of contradicting values the one changed last holds.
with

dated as (
    select
        alias.customer_key,
        version.*,
        -- The first state holds from the day the customer became known.
        case
            when row_number() over by_time = 1 then least(version.member_since, version.version_at)
            else version.version_at
        end as valid_from
    from core.customer_alias as alias
    inner join core.customer_source as version on alias.source_customer_key = version.source_customer_key
    where alias.customer_key in (select unnest(cast(:people as bigint [])))
    window by_time as (partition by version.source_customer_key order by version.version_at)
),

states as (
    select
        dated.*,
        lead(dated.valid_from) over (partition by dated.source_customer_key order by dated.version_at) as valid_to
    from dated
),

moments as (
    select distinct
        customer_key,
        valid_from
    from states
),

staff as (
    select distinct customer_key
    from core.customer_tag
    where tag in ('staff', '员工') and removed_at is null and deleted_at is null
),

versions as (
    select
        moments.customer_key,
        moments.valid_from,
        (array_agg(state.gender order by state.valid_from desc, state.source_customer_key) filter (where state.gender is not null))[1] as gender,
        (array_agg(state.birth_year order by state.valid_from desc, state.source_customer_key)
            filter (where state.birth_year is not null))[1] as birth_year,
        (array_agg(state.birthday_md order by state.valid_from desc, state.source_customer_key)
            filter (where state.birthday_md is not null))[1] as birthday_md,
        (array_agg(state.wedding_md order by state.valid_from desc, state.source_customer_key)
            filter (where state.wedding_md is not null))[1] as wedding_md,
        (array_agg(state.city order by state.valid_from desc, state.source_customer_key) filter (where state.city is not null))[1] as city,
        (array_agg(state.region order by state.valid_from desc, state.source_customer_key) filter (where state.region is not null))[1] as region,
        (array_agg(state.occupation order by state.valid_from desc, state.source_customer_key)
            filter (where state.occupation is not null))[1] as occupation,
        (array_agg(state.acquisition_channel order by state.valid_from desc, state.source_customer_key)
            filter (where state.acquisition_channel is not null))[1] as acquisition_channel,
        (array_agg(state.account_owner order by state.valid_from desc, state.source_customer_key)
            filter (where state.account_owner is not null))[1] as account_owner,
        (array_agg(state.customer_kind order by state.valid_from desc, state.source_customer_key)
            filter (where state.customer_kind is not null))[1] as customer_kind,
        (array_agg(state.personality_tag order by state.valid_from desc, state.source_customer_key)
            filter (where state.personality_tag is not null))[1] as personality_tag,
        (array_agg(state.language order by state.valid_from desc, state.source_customer_key)
            filter (where state.language is not null))[1] as language,
        min(state.member_since) as member_since,
        bool_or(state.is_test) as is_test,
        (array_agg(state.source order by state.valid_from desc, state.source_customer_key))[1] as source,
        max(state.batch_id) as batch_id,
        max(state.updated_at) as updated_at,
        case when bool_and(state.deleted_at is not null) then max(state.deleted_at) end as deleted_at,
        bool_or(state.is_simulated) as is_simulated
    from moments
    inner join states as state
        on
            moments.customer_key = state.customer_key
            and moments.valid_from >= state.valid_from
            and (state.valid_to is null or moments.valid_from < state.valid_to)
    group by moments.customer_key, moments.valid_from
)

select
    versions.customer_key,
    versions.valid_from,
    lead(versions.valid_from) over (partition by versions.customer_key order by versions.valid_from) as valid_to,
    versions.gender,
    versions.birth_year,
    versions.birthday_md,
    versions.wedding_md,
    versions.city,
    versions.region,
    versions.occupation,
    versions.acquisition_channel,
    versions.account_owner,
    versions.customer_kind,
    versions.personality_tag,
    versions.language,
    versions.member_since,
    versions.is_test,
    staff.customer_key is not null as is_staff,
    versions.source,
    versions.batch_id,
    versions.updated_at,
    versions.deleted_at,
    versions.is_simulated
from versions
left join staff on versions.customer_key = staff.customer_key
