-- features.order_past: what is kept of the sums of customer_orders.sql, which this follows on. as_of is the cut. Whose entries the source
-- has deleted is stale from the beginning: as of one date the entry is there, as of another it is not.
select
    totals.customer_key,
    :as_of as cut_at,
    totals.customer_key in (select entry.customer_key from core.order_entry as entry where entry.deleted_at is not null) as is_stale,
    totals.first_order_at,
    totals.second_order_at,
    totals.last_order_at,
    totals.won_back_at,
    totals.count_orders,
    totals.count_order_days,
    totals.net_minor,
    totals.first_net_minor,
    totals.count_gaps,
    totals.sum_gaps,
    totals.sum_squared_gaps,
    totals.largest_gap
from totals
