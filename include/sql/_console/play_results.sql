-- What plays brought against their control groups, as of the newest measurement: one play, or all of them for everybody.
select
    as_of_date,
    play,
    service_tier,
    outcome,
    outcome_days,
    treated_customers,
    control_customers,
    treated_mean,
    control_mean,
    difference,
    lower_95,
    upper_95,
    lower_any_95,
    upper_any_95,
    detectable,
    verdict,
    treated_customers is null as is_suppressed
from bi.play_result
where case when cast(:play as text) is null then service_tier = 'all' else play = :play end
order by play, outcome desc, service_tier <> 'all', service_tier
