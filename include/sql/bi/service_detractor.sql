-- with (security_barrier = true)
-- bi.service_detractor: who would not recommend us, and whether somebody has taken care.
select
    answer.answer_key,
    answer.customer_key,
    answer.happened_at as answered_at,
    cast(answer.score as integer) as score,
    tier.service_tier,
    tier.service_tier_zh,
    coalesce(tier.is_at_risk, false) as is_at_risk,
    label.topic,
    coalesce(service.count_complaints_open, 0) as count_complaints_open,
    (
        select min(delivery.delivered_at)
        from campaigns.delivery as delivery
        where
            delivery.customer_key = answer.customer_key
            and delivery.play = 'detractor_follow_up'
            and delivery.delivered_at >= answer.happened_at
            and delivery.removed_on is null
    ) as followed_up_at
from core.survey_answer as answer
inner join core.customer as customer
    on answer.customer_key = customer.customer_key and customer.valid_to is null and not customer.is_test
left join segments.tier as tier
    on
        tier.as_of_date = (
            select max(cast(published.slice_key as date))
            from ops.published as published
            where published.table_name = 'segments.tier'
        )
        and answer.customer_key = tier.customer_key
left join features.customer_service as service
    on tier.as_of_date = service.as_of_date and tier.customer_key = service.customer_key
left join scores.text_label as label
    on
        label.as_of_date = (
            select max(cast(published.slice_key as date))
            from ops.published as published
            where published.table_name = 'scores.text_label'
        )
        and label.text_kind = 'survey_comment'
        and answer.answer_key = label.text_key
where
    answer.instrument = 'nps'
    and answer.score <= 6
    and answer.deleted_at is null
    and answer.happened_at >= current_date - 30
