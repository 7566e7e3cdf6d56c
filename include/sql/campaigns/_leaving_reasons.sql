-- Why members leave: the first rule that failed today, or that the audience rule does not match them, or that core has them no more.
select
    leaving.play,
    leaving.customer_key,
    case
        -- Planned, but held back at the push: consent went in between.
        when decision.state = 'selected' then 'no_consent'
        when decision.play is not null then decision.first_failing_rule
        when attributes.customer_key is not null then 'not_in_audience'
        else 'gone'
    end as reason
from unnest(cast(:plays as text []), cast(:keys as bigint [])) as leaving (play, customer_key)
left join campaigns.decision as decision
    on decision.as_of_date = :as_of_date
    and leaving.play = decision.play
    and leaving.customer_key = decision.customer_key
left join campaigns.customer_attributes as attributes
    on attributes.as_of_date = :as_of_date
    and leaving.customer_key = attributes.customer_key
