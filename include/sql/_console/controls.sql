-- Whether control groups can be trusted, as of the newest measurement: of one play, or of all for everybody.
select
    play,
    service_tier,
    treated_customers,
    control_customers,
    expected_share,
    observed_share,
    p_value,
    balance,
    contaminated_share,
    contamination,
    advice_en,
    advice_zh
from bi.control_health
where case when cast(:play as text) is null then service_tier = 'all' else play = :play end
order by play, service_tier <> 'all', service_tier
