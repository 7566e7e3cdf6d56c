-- pg_temp.rate: what one unit of a currency cost in the base currency on every day since its first quotation.
-- A day takes the last quotation until then, however late that was delivered. A quotation corrected since has a row for each
-- of its values: known_from to known_to. The base currency has no rows here.
create temporary table rate on commit drop as
with

quotation_values as (
    select
        series,
        region,
        indicator_date,
        value,
        updated_at
    from core.market_indicator
    where series like 'fx.%' and split_part(series, '.', 3) = :base_currency

    union all

    select
        series,
        region,
        indicator_date,
        value,
        updated_at
    from core.market_indicator_version
    where series like 'fx.%' and split_part(series, '.', 3) = :base_currency
),

-- A rate has no region; should one be given all the same, the first by name counts.
quoted as (
    select
        series,
        indicator_date,
        min(region) as region
    from quotation_values
    group by series, indicator_date
),

quotations as (
    select
        series,
        region,
        indicator_date,
        coalesce(lead(indicator_date) over (partition by series order by indicator_date), :as_of_date + 1) as next_date
    from quoted
),

dated_values as (
    select
        quotations.series,
        quotations.indicator_date,
        quotations.next_date,
        quotation_values.value,
        case
            when row_number() over by_time = 1 then '-infinity'::timestamptz
            else quotation_values.updated_at
        end as known_from,
        coalesce(lead(quotation_values.updated_at) over by_time, 'infinity'::timestamptz) as known_to
    from quotations
    inner join quotation_values
        on
            quotations.series = quotation_values.series
            and quotations.region = quotation_values.region
            and quotations.indicator_date = quotation_values.indicator_date
    window by_time as (
        partition by quotation_values.series, quotation_values.indicator_date
        order by quotation_values.updated_at
    )
)

select
    split_part(dated_values.series, '.', 2) as currency,
    calendar.day::date as day,
    dated_values.known_from,
    dated_values.known_to,
    dated_values.value as rate
from dated_values
cross join lateral generate_series(
    dated_values.indicator_date::timestamp, (dated_values.next_date - 1)::timestamp, interval '1 day'
) as calendar (day)
where split_part(dated_values.series, '.', 2) <> :base_currency
