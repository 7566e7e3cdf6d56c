-- Age of customers in the year of as_of, from the version of the person in force then. It sets nothing but where the estimate
-- of a customer's channel starts; prices and offers never see it.
select
    customer_key,
    cast(extract(year from :as_of_date) as integer) - birth_year as age
from core.customer
where
    valid_from < :as_of
    and (valid_to is null or valid_to >= :as_of)
    and birth_year is not null
