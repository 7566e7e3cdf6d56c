-- What the plan of a date chose or held back for one customer.
select
    play,
    state,
    channel,
    offer,
    valid_until
from campaigns.decision
where as_of_date = :as_of_date and customer_key = :customer
