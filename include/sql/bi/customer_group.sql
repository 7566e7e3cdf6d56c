-- bi.customer_group: how much of where and since when people are customers may be shown beside their rows. Region, kind, channel of
-- acquisition and month of joining together can single somebody out, so they are shown as exactly as at least :smallest people share
-- them: with the month, else with the year, else without the region, else without anything.
with

cells as (
    select
        coalesce(region, '') as region,
        customer_kind,
        coalesce(acquisition_channel, '') as acquisition_channel,
        cast(date_trunc('month', member_since at time zone :business_timezone) as date) as member_since_month,
        count(*) as customers
    from core.customer
    where valid_to is null and not is_test and not is_staff
    group by 1, 2, 3, 4
),

by_month as (
    select
        cells.*,
        cast(extract(year from member_since_month) as integer) as member_since_year,
        customers >= :smallest as is_month_shown
    from cells
),

by_year as (
    -- Only of those whose month is not shown: the rest of a year must be as many by themselves.
    select
        by_month.*,
        sum(customers) filter (where not is_month_shown)
            over (partition by region, customer_kind, acquisition_channel, member_since_year) >= :smallest as is_year_shown
    from by_month
),

by_region as (
    select
        by_year.*,
        sum(customers) filter (where not is_month_shown and not is_year_shown)
            over (partition by region, customer_kind) >= :smallest as is_region_shown
    from by_year
),

by_kind as (
    select
        by_region.*,
        sum(customers) filter (where not is_month_shown and not is_year_shown and not is_region_shown)
            over (partition by customer_kind) >= :smallest as is_kind_shown
    from by_region
)

select
    cast(:as_of_date as date) as as_of_date,
    region,
    customer_kind,
    acquisition_channel,
    member_since_month,
    customers,
    case
        when is_month_shown then 'month' when is_year_shown then 'year' when is_region_shown then 'region'
        when is_kind_shown then 'kind' else 'nothing'
    end as shown
from by_kind
