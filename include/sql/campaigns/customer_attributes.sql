-- campaigns.customer_attributes: one row per customer of core per as_of_date, what plays may ask about.
-- Days are calendar days of the business time zone, so that "days 7 to 15 after the first order" does not depend on the hour.
-- Where `in bucket` stands, retention/campaigns/compiling.py puts the range of keys that one statement of several takes.
with

people as (
    select
        customer.customer_key,
        coalesce(customer.language, :default_language) as language,
        customer.customer_kind,
        customer.account_owner,
        customer.acquisition_channel,
        customer.occupation,
        customer.gender,
        cast(extract(year from cast(:as_of_date as date)) as integer) - customer.birth_year as age_years,
        customer.region,
        customer.city,
        cast(:as_of_date as date) - cast(customer.member_since at time zone :business_timezone as date) as days_since_member,
        case
            when customer.birthday_md ~ '^(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$' then customer.birthday_md
        end as birthday_md,
        case
            when customer.wedding_md ~ '^(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$' then customer.wedding_md
        end as wedding_md,
        customer.is_test,
        customer.is_staff
    from core.customer
    where
        customer.valid_from < :as_of
        and (customer.valid_to is null or customer.valid_to >= :as_of)
        and (customer.deleted_at is null or customer.deleted_at >= :as_of)
        and /* in bucket: customer.customer_key */ true
),

month_days as (
    -- The next date of every day of the year; 29 February falls on the 28th in other years.
    select
        day.month_day,
        min(occurrence.happens_on) as next_on
    from (
        select to_char(cast('2024-01-01' as date) + number, 'MM-DD') as month_day
        from generate_series(0, 365) as number
    ) as day
    cross join lateral (
        select
            make_date(
                cast(extract(year from cast(:as_of_date as date)) as integer) + ahead,
                cast(left(day.month_day, 2) as integer),
                1
            ) as month_start
        from generate_series(0, 1) as ahead
    ) as month
    cross join lateral (
        select
            month.month_start + least(
                cast(right(day.month_day, 2) as integer),
                cast(extract(day from month.month_start + interval '1 month - 1 day') as integer)
            ) - 1 as happens_on
    ) as occurrence
    where occurrence.happens_on >= :as_of_date
    group by day.month_day
),

cases as (
    -- The state of every complaint that held at as_of.
    select
        customer_key,
        complaint_key,
        order_key,
        severity,
        case severity when 'severe' then 3 when 'medium' then 2 else 1 end as severity_rank,
        opened_at,
        case when resolved_at < :as_of then resolved_at end as resolved_at,
        case when satisfaction_at < :as_of then satisfaction end as satisfaction
    from core.complaint
    where
        opened_at < :as_of
        and /* in bucket: customer_key */ true
        and valid_from < :as_of
        and (valid_to is null or valid_to >= :as_of)
        and (deleted_at is null or deleted_at >= :as_of)
),

open_counts as (
    select
        customer_key,
        cast(count(*) as integer) as count_open
    from cases
    where resolved_at is null
    group by customer_key
),

worst_open as (
    select distinct on (customer_key)
        customer_key,
        complaint_key,
        order_key,
        severity
    from cases
    where resolved_at is null
    order by customer_key, severity_rank desc, opened_at, complaint_key
),

last_resolved as (
    select distinct on (customer_key)
        customer_key,
        complaint_key,
        order_key,
        severity,
        satisfaction,
        resolved_at
    from cases
    where resolved_at is not null
    order by customer_key, resolved_at desc, complaint_key
),

complained_orders as (
    select
        order_key,
        cast(sum(net_minor) as bigint) as net_minor
    from core.order_entry
    where
        order_key in (select order_key from cases where order_key is not null)
        and happened_at < :as_of
        and (deleted_at is null or deleted_at >= :as_of)
    group by order_key
),

touches as (
    select
        customer_key,
        bool_or(channel = 'wechat') as has_wechat,
        bool_or(channel = 'app') as has_app
    from core.interaction
    where
        channel in ('wechat', 'app')
        and /* in bucket: customer_key */ true
        and happened_at >= cast(:as_of as timestamptz) - interval '365 days'
        and happened_at < :as_of
        and (deleted_at is null or deleted_at >= :as_of)
    group by customer_key
),

contacts as (
    select
        delivered.customer_key,
        count(*) as count_deliveries
    from (
        select delivery.customer_key
        from campaigns.delivery
        where
            /* in bucket: delivery.customer_key */ true
            and delivery.is_capped
            and delivery.as_of_date >= cast(:as_of_date as date) - 30
            and delivery.as_of_date < :as_of_date
            and delivery.customer_key not in (
                select alias.source_customer_key
                from core.customer_alias as alias
                where alias.source_customer_key <> alias.customer_key and /* in bucket: alias.source_customer_key */ true
            )
        union all
        select alias.customer_key
        from core.customer_alias as alias
        inner join campaigns.delivery on alias.source_customer_key = delivery.customer_key
        where
            alias.source_customer_key <> alias.customer_key
            and /* in bucket: alias.customer_key */ true
            and delivery.is_capped
            and delivery.as_of_date >= cast(:as_of_date as date) - 30
            and delivery.as_of_date < :as_of_date
    ) as delivered
    group by delivered.customer_key
),

erased as (
    select distinct coalesce(alias.customer_key, tombstone.source_customer_key) as customer_key
    from privacy.tombstone
    left join core.customer_alias as alias on tombstone.source_customer_key = alias.source_customer_key
),

detractions as (
    -- The latest answer of the last month to the question of recommendation: what somebody can still be called about.
    select distinct on (customer_key)
        customer_key,
        answer_key,
        happened_at
    from core.survey_answer
    where
        instrument = 'nps'
        and /* in bucket: customer_key */ true
        and happened_at >= cast(:as_of as timestamptz) - interval '30 days'
        and happened_at < :as_of
        and (deleted_at is null or deleted_at >= :as_of)
    order by customer_key, happened_at desc, answer_key
),

satisfactions as (
    -- When somebody last said how satisfied they are, about anything, and about the handling of a complaint.
    select
        customer_key,
        max(happened_at) as answered_at,
        max(happened_at) filter (where about_kind = 'complaint') as of_complaint_at,
        cast(
            round((array_agg(score order by happened_at desc, answer_key) filter (where about_kind = 'complaint')) [1]) as integer
        ) as of_complaint
    from core.survey_answer
    where
        instrument = 'csat'
        and /* in bucket: customer_key */ true
        and happened_at < :as_of
        and (deleted_at is null or deleted_at >= :as_of)
    group by customer_key
),

conversions as (
    select distinct on (customer_key)
        customer_key,
        referral_key,
        converted_at
    from core.referral
    where
        converted_at >= cast(:as_of as timestamptz) - interval '30 days'
        and converted_at < :as_of
        and /* in bucket: customer_key */ true
        and (deleted_at is null or deleted_at >= :as_of)
    order by customer_key, converted_at desc, referral_key
),

renewals as (
    -- The contract that is up next; one within its grace period comes before those to come.
    select distinct on (renewal.customer_key)
        renewal.customer_key,
        renewal.contract_key,
        renewal.renewal_date,
        renewal.non_renewal_probability,
        contract.fee_minor
    from scores.renewal as renewal
    left join core.contract on renewal.contract_key = contract.contract_key
    where renewal.as_of_date = :as_of_date and /* in bucket: renewal.customer_key */ true
    order by renewal.customer_key, renewal.renewal_date, renewal.contract_key
),

refills as (
    -- Of what the customer buys again and again, the product whose day is nearest.
    select distinct on (customer_key)
        customer_key,
        product,
        cast(product_key as text) || '/' || cast(last_bought_on as text) as refill_key,
        days_until_expected,
        expected_earliest_on,
        expected_latest_on
    from scores.replenishment
    where
        as_of_date = :as_of_date
        and /* in bucket: customer_key */ true
    order by customer_key, abs(days_until_expected), rank
),

proposals as (
    -- The most probable product, of all and of those the customer has not bought.
    select
        customer_key,
        max(item) filter (where list = 'next') as next_product,
        max(why) filter (where list = 'next') as next_product_why,
        max(order_probability) filter (where list = 'next') as next_product_probability,
        max(item) filter (where list = 'new') as new_product,
        max(why) filter (where list = 'new') as new_product_why,
        max(order_probability) filter (where list = 'new') as new_product_probability
    from scores.next_best
    where
        as_of_date = :as_of_date
        and level = 'product'
        and rank = 1
        and /* in bucket: customer_key */ true
    group by customer_key
),

signs as (
    select
        customer_key,
        array_agg(warning order by warning) as warnings
    from scores.warning
    where as_of_date = :as_of_date and /* in bucket: customer_key */ true
    group by customer_key
),

views as (
    -- What was looked at in the last fourteen days, as the product that the touch names or the category.
    select
        interaction_key,
        customer_key,
        subject,
        category
    from core.interaction
    where
        kind in ('page_view', 'click', 'visit')
        and /* in bucket: customer_key */ true
        and direction = 'in'
        and (subject is not null or category is not null)
        and happened_at >= cast(:as_of as timestamptz) - interval '14 days'
        and happened_at < :as_of
        and (deleted_at is null or deleted_at >= :as_of)
),

prices as (
    -- The list price of a product, and the mean one of every category, under the names that touches use.
    select
        named.name,
        named.category_1,
        avg(named.list_price_minor) as list_price_minor
    from (
        select distinct
            label.name,
            product.category_1,
            product.product_key,
            product.list_price_minor
        from core.product
        cross join lateral (
            values (product.name), (product.product_id), (product.category_1), (product.category_2), (product.category_path)
        ) as label (name)
        where product.valid and product.list_price_minor is not null and label.name is not null
    ) as named
    group by named.name, named.category_1
),

usual_prices as (
    -- What one unit usually costs that the customer buys, by widest category; only of who has looked at something.
    select
        order_line.customer_key,
        order_line.category_1,
        sum(order_line.gross_minor) / sum(order_line.quantity) as unit_price_minor
    from core.order_line
    where
        order_line.customer_key in (select views.customer_key from views)
        and order_line.quantity > 0
        and order_line.happened_at >= cast(:as_of as timestamptz) - interval '365 days'
        and order_line.happened_at < :as_of
        and (order_line.deleted_at is null or order_line.deleted_at >= :as_of)
    group by order_line.customer_key, order_line.category_1
),

upward_views as (
    -- A higher range costs half as much again as what the customer usually buys there.
    select
        views.customer_key,
        cast(count(distinct views.interaction_key) as integer) as count_views
    from views
    inner join prices on coalesce(views.category, views.subject) = prices.name
    inner join usual_prices
        on views.customer_key = usual_prices.customer_key and prices.category_1 = usual_prices.category_1
    left join prices as named_product
        on views.subject = named_product.name and prices.category_1 = named_product.category_1
    where coalesce(named_product.list_price_minor, prices.list_price_minor) >= 1.5 * usual_prices.unit_price_minor
    group by views.customer_key
),

suppressed as (
    select listed.customer_key
    from unnest(cast(:suppressed as bigint [])) as listed (customer_key)
)

select
    cast(:as_of_date as date) as as_of_date,
    people.customer_key,
    people.language,
    people.customer_kind,
    people.account_owner,
    people.acquisition_channel,
    people.occupation,
    people.gender,
    people.age_years,
    people.region,
    people.city,
    people.days_since_member,
    birthday.next_on - cast(:as_of_date as date) as days_to_birthday,
    birthday.next_on as birthday_on,
    wedding.next_on - cast(:as_of_date as date) as days_to_wedding_anniversary,
    wedding.next_on as wedding_anniversary_on,
    orders.count_orders_lifetime,
    orders.count_orders_365d,
    cast(:as_of_date as date) - cast(orders.first_order_at at time zone :business_timezone as date) as days_since_first_order,
    cast(:as_of_date as date) - cast(orders.last_order_at at time zone :business_timezone as date) as days_since_last_order,
    orders.last_order_at,
    orders.net_minor_365d,
    orders.net_minor_90d,
    cast(orders.mean_order_value_minor_365d as double precision) as mean_order_value_minor_365d,
    cast(orders.overdue_ratio as double precision) as overdue_ratio,
    cast(orders.discount_share_365d as double precision) as discount_share_365d,
    churn.churn_probability,
    clv.clv_12m_minor,
    clv.probability_alive,
    cast(round(churn.churn_probability * clv.clv_12m_minor) as bigint) as value_at_risk_minor,
    rfm.rfm_class,
    rfm.rfm_segment,
    value_matrix.value_class,
    tier.service_tier,
    tier.is_at_risk,
    lifecycle.lifecycle_stage,
    cast(:as_of_date as date) - cast(lifecycle.stage_since as date) as days_in_stage,
    membership.membership_level,
    membership.next_level,
    membership.amount_to_next_level_minor,
    membership.points_balance,
    membership.points_expiring_30d,
    coalesce(open_counts.count_open, 0) as count_open_complaints,
    worst_open.complaint_key as open_complaint_key,
    worst_open.severity as open_complaint_severity,
    open_order.net_minor as open_complaint_order_net_minor,
    cast(:as_of_date as date) - cast(last_resolved.resolved_at at time zone :business_timezone as date)
        as days_since_complaint_resolved,
    last_resolved.complaint_key as resolved_complaint_key,
    last_resolved.severity as resolved_complaint_severity,
    coalesce(
        last_resolved.satisfaction,
        case when satisfactions.of_complaint_at >= last_resolved.resolved_at then satisfactions.of_complaint end
    ) as resolved_complaint_satisfaction,
    resolved_order.net_minor as resolved_complaint_order_net_minor,
    engagement.latest_nps as nps_score,
    engagement.days_since_latest_nps as days_since_nps,
    detractions.answer_key as nps_answer_key,
    cast(:as_of_date as date) - cast(satisfactions.answered_at at time zone :business_timezone as date) as days_since_csat,
    coalesce(engagement.count_converted_referrals_lifetime, 0) as count_converted_referrals,
    cast(:as_of_date as date) - cast(conversions.converted_at at time zone :business_timezone as date)
        as days_since_referral_converted,
    conversions.referral_key as converted_referral_key,
    engagement.days_since_last_interaction,
    orders.net_minor_lifetime,
    repurchase.probability_90d as order_probability_90d,
    renewals.renewal_date - cast(:as_of_date as date) as days_to_renewal,
    cast(renewals.contract_key as text) || '/' || cast(renewals.renewal_date as text) as contract_renewal_key,
    renewals.fee_minor as contract_fee_minor,
    renewals.non_renewal_probability,
    refills.product as replenishment_product,
    refills.days_until_expected as days_to_replenishment,
    refills.expected_earliest_on <= :as_of_date as is_replenishment_window_open,
    refills.refill_key as replenishment_key,
    proposals.next_product,
    proposals.next_product_why,
    proposals.next_product_probability,
    proposals.new_product,
    proposals.new_product_why,
    proposals.new_product_probability,
    persona.persona,
    preference.favourite_category,
    preference.price_band,
    preference.discount_band,
    preference.preferred_channel,
    coalesce(preference.is_reachable, false) as is_reachable,
    coalesce(signs.warnings, cast('{}' as text [])) as warnings,
    coalesce(tag.tags, cast('{}' as text [])) as tags,
    coalesce(tag.demographic_tags, cast('{}' as text [])) as demographic_tags,
    coalesce(tag.geographic_tags, cast('{}' as text [])) as geographic_tags,
    coalesce(tag.crm_tags, cast('{}' as text [])) as crm_tags,
    coalesce(tag.is_legal_hold, false) as is_legal_hold,
    coalesce(tag.is_promotion_barred, false) as is_promotion_barred,
    coalesce(upward_views.count_views, 0) as count_higher_range_views_14d,
    cast(:holiday_on as date) - cast(:as_of_date as date) as days_to_holiday,
    cast(:holiday as text) as holiday,
    cast(:holiday_key as text) as holiday_key,
    coalesce(contacts.count_deliveries, 0) as count_deliveries_30d,
    people.is_test,
    people.is_staff,
    erased.customer_key is not null as is_erased,
    coalesce(contact.email <> '', false) as has_email,
    coalesce(contact.phone <> '', false) as has_phone,
    coalesce(touches.has_wechat, false) as has_wechat,
    coalesce(touches.has_app, false) as has_app,
    suppressed.customer_key is not null as is_suppressed
from people
left join month_days as birthday on people.birthday_md = birthday.month_day
left join month_days as wedding on people.wedding_md = wedding.month_day
left join features.customer_orders as orders
    on people.customer_key = orders.customer_key
    and orders.as_of_date = :as_of_date
    and /* in bucket: orders.customer_key */ true
left join features.customer_engagement as engagement
    on people.customer_key = engagement.customer_key
    and engagement.as_of_date = :as_of_date
    and /* in bucket: engagement.customer_key */ true
left join scores.churn as churn
    on people.customer_key = churn.customer_key
    and churn.as_of_date = :as_of_date
    and /* in bucket: churn.customer_key */ true
left join scores.clv as clv
    on people.customer_key = clv.customer_key
    and clv.as_of_date = :as_of_date
    and /* in bucket: clv.customer_key */ true
left join segments.rfm as rfm
    on people.customer_key = rfm.customer_key
    and rfm.as_of_date = :as_of_date
    and /* in bucket: rfm.customer_key */ true
left join segments.value_matrix as value_matrix
    on people.customer_key = value_matrix.customer_key
    and value_matrix.as_of_date = :as_of_date
    and /* in bucket: value_matrix.customer_key */ true
left join segments.tier as tier
    on people.customer_key = tier.customer_key
    and tier.as_of_date = :as_of_date
    and /* in bucket: tier.customer_key */ true
left join segments.lifecycle as lifecycle
    on people.customer_key = lifecycle.customer_key
    and lifecycle.as_of_date = :as_of_date
    and /* in bucket: lifecycle.customer_key */ true
left join segments.membership as membership
    on people.customer_key = membership.customer_key
    and membership.as_of_date = :as_of_date
    and /* in bucket: membership.customer_key */ true
left join open_counts on people.customer_key = open_counts.customer_key
left join worst_open on people.customer_key = worst_open.customer_key
left join complained_orders as open_order on worst_open.order_key = open_order.order_key
left join last_resolved on people.customer_key = last_resolved.customer_key
left join complained_orders as resolved_order on last_resolved.order_key = resolved_order.order_key
left join touches on people.customer_key = touches.customer_key
left join contacts on people.customer_key = contacts.customer_key
left join pii.contact as contact
    on people.customer_key = contact.customer_key
    and /* in bucket: contact.customer_key */ true
left join erased on people.customer_key = erased.customer_key
left join suppressed on people.customer_key = suppressed.customer_key
left join scores.repurchase as repurchase
    on people.customer_key = repurchase.customer_key
    and repurchase.as_of_date = :as_of_date
    and /* in bucket: repurchase.customer_key */ true
left join scores.persona as persona
    on people.customer_key = persona.customer_key
    and persona.as_of_date = :as_of_date
    and /* in bucket: persona.customer_key */ true
left join scores.preference as preference
    on people.customer_key = preference.customer_key
    and preference.as_of_date = :as_of_date
    and /* in bucket: preference.customer_key */ true
left join detractions on people.customer_key = detractions.customer_key
left join satisfactions on people.customer_key = satisfactions.customer_key
left join conversions on people.customer_key = conversions.customer_key
left join renewals on people.customer_key = renewals.customer_key
left join refills on people.customer_key = refills.customer_key
left join proposals on people.customer_key = proposals.customer_key
left join signs on people.customer_key = signs.customer_key
left join segments.tag as tag
    on people.customer_key = tag.customer_key
    and tag.as_of_date = :as_of_date
    and /* in bucket: tag.customer_key */ true
left join upward_views on people.customer_key = upward_views.customer_key
