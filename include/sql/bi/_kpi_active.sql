-- To whom something happened on the day: of a day told anew only they are read. Ranges of time as in the KPI queries, deleted rows too.
select customer_key
from core.order_entry
where happened_at >= :day_start and happened_at < :as_of
union
select customer_key
from core.survey_answer
where happened_at >= :day_start and happened_at < :as_of
union
select customer_key
from core.complaint
where opened_at >= :day_start and opened_at < :as_of
union
select customer_key
from core.campaign_event
where happened_at >= :day_start and happened_at < :as_of
