-- with (security_barrier = true)
-- bi.segment_label: what groups are called, for BI tools to join on dimension and member.
select
    case label_group when 'service_tier' then 'tier' when 'lifecycle_stage' then 'stage' else label_group end as dimension,
    label as member,
    label_order as position,
    label_en,
    label_zh
from segments.label
where label_group in ('service_tier', 'lifecycle_stage', 'value_class', 'rfm_class', 'rfm_segment')
union all
select
    dimension,
    member,
    position,
    label_en,
    label_zh
from bi.segment_name
