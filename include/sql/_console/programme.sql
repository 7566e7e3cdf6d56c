-- What everything together brought against the universal control group, as of the newest measurement.
select *
from bi.programme
where as_of_date = (select max(newest.as_of_date) from bi.programme as newest)
order by case play_window when 'year' then 1 when 'quarter' then 2 else 3 end, service_tier <> 'all', service_tier
