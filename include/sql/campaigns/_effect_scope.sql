-- Whose units of campaigns.effect_unit may have changed since they were last worked out, as of :built_as_of and from the state :since:
-- whose facts changed, who ordered in the days since, who was handed out or held back since, who was linked with somebody or parted.
-- A row without a customer stands for everybody.
with

logged as (
    select
        customer_key,
        is_everybody
    from ops.touched
    where
        fact in ('core.order_entry', 'core.customer')
        and (
            (
                changed_in >= pg_snapshot_xmin(cast(:since as pg_snapshot))
                and not pg_visible_in_snapshot(changed_in, cast(:since as pg_snapshot))
            )
            or latest_at >= :built_as_of
        )
),

found as (
    select case when not is_everybody then customer_key end as customer_key
    from logged
    union
    select customer_key
    from core.order_entry
    where happened_at >= :built_as_of and happened_at < :as_of
    union
    select delivery.customer_key
    from campaigns.delivery
    where
        delivery.as_of_date < :as_of_date
        and delivery.as_of_date >= least(
            cast(:built_as_of_date as date),
            (select min(receipt.business_date) + 1 from campaigns.push_receipt as receipt where receipt.sync_id > :sync_id)
        )
        and (delivery.as_of_date >= :built_as_of_date or delivery.sync_id > :sync_id)
    union
    select customer_key
    from campaigns.holdout
    where assigned_on >= :built_as_of_date and assigned_on < :as_of_date
    union
    select holdout.customer_key
    from campaigns.push_receipt as receipt
    inner join campaigns.holdout as holdout on receipt.business_date + 1 = holdout.assigned_on
    where receipt.sync_id > :sync_id
    union
    select customer_key
    from core.customer_alias
    where linked_at >= cast(:built_at as timestamptz) - interval '1 day'
    union
    select source_customer_key
    from core.customer_alias
    where linked_at >= cast(:built_at as timestamptz) - interval '1 day'
)

select customer_key
from found
