-- with (security_barrier = true)
-- bi.budget_change: changes of the plays' budgets with their reasons.
with

names as (
    select distinct on (play)
        play,
        name_en,
        name_zh
    from campaigns.play
    order by play, registered_at desc
),

changes as (
    select
        change.*,
        change.decided_on = max(change.decided_on) over (partition by change.play) as is_newest,
        least(change.treated_customers, change.control_customers) >= coalesce(
            (select cast(setting.value as integer) from bi.setting as setting where setting.name = 'suppressed_group_size'), 10
        ) as is_shown
    from campaigns.budget_change as change
)

select
    changes.play,
    coalesce(names.name_en, changes.play) as label,
    coalesce(names.name_zh, changes.play) as label_zh,
    changes.decided_on,
    changes.old_factor,
    changes.new_factor,
    changes.is_newest,
    changes.reason,
    case when changes.is_shown then changes.treated_customers end as treated_customers,
    case when changes.is_shown then changes.control_customers end as control_customers,
    case when changes.is_shown then changes.difference_minor end as difference_minor,
    case when changes.is_shown then changes.lower_any_95 end as lower_any_95,
    case when changes.is_shown then changes.upper_any_95 end as upper_any_95,
    case when changes.is_shown then changes.detectable_minor end as detectable_minor,
    changes.cost_minor,
    changes.sentence_en,
    changes.sentence_zh
from changes
left join names on changes.play = names.play
