-- Warning signs that show.
select
    warning,
    sentence_en,
    sentence_zh
from scores.warning
where as_of_date = :as_of_date and customer_key = :customer
order by warning
