-- Members and their checksum: 60 bits of each member's md5, summed, so that order does not matter and a member counted twice shows.
select
    count(*) as total,
    cast(
        coalesce(
            sum(
                cast(
                    cast(
                        'x' || left(
                            md5(
                                campaign || '|' || cast(customer_key as text) || '|' || send_key || '|' || channel || '|' || offer
                            ),
                            15
                        ) as bit(60)
                    ) as bigint
                )
            ),
            0
        ) as text
    ) as checksum
from marketing.campaign_audience
