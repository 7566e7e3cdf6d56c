-- with (security_barrier = true)
-- bi.segment_size: how large each group is as of the newest measurement.
with

newest as (
    select max(cast(slice_key as date)) as as_of_date
    from ops.published
    where table_name = 'bi.group_profile_value'
)

select
    history.as_of_date,
    history.dimension,
    history.member,
    history.label_zh as member_zh,
    history.customers,
    history.share,
    history.is_suppressed,
    history.label_en as member_en,
    history.position
from newest
inner join bi.segment_history as history on newest.as_of_date = history.as_of_date
where history.dimension in ('tier', 'stage', 'value_class', 'rfm_class', 'rfm_segment', 'membership_level', 'persona')
