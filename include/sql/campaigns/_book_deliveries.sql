-- Books what a push delivered (pg_temp.received). The period is the third part of a send_key; cost and cap come from the decision, which is
-- kept long enough for a late receipt. A key that comes back after a removal in the same push has moved to the surviving record of a person.
insert into campaigns.delivery as delivery (
    send_key, play, customer_key, kind, period_key, channel, is_capped, offer, offer_terms, content_key, service_tier,
    lifecycle_stage, churn_band, value_band, reasons_en, reasons_zh, cost_minor, expected_cost_minor, as_of_date, valid_from,
    valid_until, sync_id, delivered_at
)
select
    received.send_key, received.campaign, received.customer_key, received.kind, split_part(received.send_key, '|', 3), received.channel,
    coalesce(decision.is_capped, received.kind = 'promotional'), received.offer, received.offer_terms, received.content_key,
    received.service_tier, received.lifecycle_stage, received.churn_band, received.value_band, received.reasons_en, received.reasons_zh,
    coalesce(decision.cost_minor, 0), decision.expected_cost_minor, received.joined_on, received.valid_from, received.valid_until,
    :sync_id, :pushed_at
from pg_temp.received as received
left join campaigns.decision
    on decision.as_of_date = :as_of_date and received.campaign = decision.play and received.customer_key = decision.customer_key
where received.change <> 'removed'
on conflict (send_key) do update set
    customer_key = excluded.customer_key,
    valid_until = excluded.valid_until,
    removed_on = null,
    removed_reason = null
