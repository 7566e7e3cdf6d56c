-- core.order_version: every delivered state of orders, with the amounts as the source has them.
select
    order_key,
    version_at,
    ordered_at,
    paid_at,
    cancelled_at,
    refunded_at,
    currency,
    gross_original,
    discount_original,
    refund_original,
    channel,
    coupon_code,
    source,
    batch_id,
    version_at as updated_at,
    deleted_at,
    is_simulated
from pg_temp.landed_order
