-- pg_temp.rate: what one unit of a currency cost in the base currency, for every day since its first quotation.
create temporary table rate on commit drop as
with

currencies as (
    select
        split_part(series, '.', 2) as currency,
        series,
        min(indicator_date) as first_day
    from core.market_indicator
    where
        series like 'fx.%'
        and split_part(series, '.', 3) = :base_currency
    group by series
),

quoted as (
    select
        currencies.currency,
        calendar.day::date as day,
        (
            select indicator.value
            from core.market_indicator as indicator
            where
                indicator.series = currencies.series
                and indicator.indicator_date <= calendar.day
            order by indicator.indicator_date desc, indicator.region
            limit 1
        ) as rate
    from currencies
    cross join lateral generate_series(
        currencies.first_day::timestamp, :as_of_date::timestamp, interval '1 day'
    ) as calendar (day)
),

base as (
    -- The base currency is worth itself on every day, quoted or not.
    select
        :base_currency::text as currency,
        calendar.day::date as day,
        1::numeric as rate
    from generate_series(timestamp '1899-12-31', :as_of_date::timestamp, interval '1 day') as calendar (day)
)

select currency, day, rate from quoted
where currency <> :base_currency
union all
select currency, day, rate from base
