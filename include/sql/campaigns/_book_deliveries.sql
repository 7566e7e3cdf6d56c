-- Books what a push delivered. The period is the third part of a send_key; cost and cap come from the decision, which is kept long
-- enough for a late receipt. A key that comes back after a removal in the same push has moved to the surviving record of a person.
insert into campaigns.delivery as delivery (
    send_key, play, customer_key, kind, period_key, channel, is_capped, offer, offer_terms, content_key, service_tier,
    lifecycle_stage, churn_band, value_band, reasons_en, reasons_zh, cost_minor, expected_cost_minor, as_of_date, valid_from,
    valid_until, sync_id, delivered_at
)
select
    row.send_key, row.campaign, row.customer_key, row.kind, split_part(row.send_key, '|', 3), row.channel,
    coalesce(decision.is_capped, row.kind = 'promotional'), row.offer, row.offer_terms, row.content_key, row.service_tier,
    row.lifecycle_stage, row.churn_band, row.value_band, row.reasons_en, row.reasons_zh, coalesce(decision.cost_minor, 0),
    decision.expected_cost_minor, row.joined_on, row.valid_from, row.valid_until, :sync_id, :pushed_at
from jsonb_to_recordset(cast(:rows as jsonb)) as row (
    send_key text, campaign text, customer_key bigint, kind text, channel text, offer text, offer_terms text, content_key text,
    service_tier text, lifecycle_stage text, churn_band text, value_band text, reasons_en text, reasons_zh text, joined_on date,
    valid_from timestamptz, valid_until timestamptz
)
left join campaigns.decision
    on decision.as_of_date = :as_of_date and decision.play = row.campaign and decision.customer_key = row.customer_key
on conflict (send_key) do update set
    customer_key = excluded.customer_key,
    valid_until = excluded.valid_until,
    removed_on = null,
    removed_reason = null
