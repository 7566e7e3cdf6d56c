-- Why the scores are what they are.
select
    score,
    rank,
    is_raising,
    contribution,
    sentence_en,
    sentence_zh
from scores.reason
where as_of_date = :as_of_date and customer_key = :customer
order by score, rank
