-- Memberships that stand and may not be used now: somebody said no, or a tool took them over. A target leaves them out of its view.
select member.send_key
from marketing.campaign_audience as member
left join marketing.permitted as permitted
    on member.campaign = permitted.campaign and member.customer_key = permitted.customer_key
where
    member.valid_until > now()
    and (cardinality(cast(:campaigns as text [])) = 0 or member.campaign = any(cast(:campaigns as text [])))
    and (
        permitted.campaign is null
        or exists (
            select 1
            from marketing.acknowledgement as acknowledged
            where acknowledged.send_key = member.send_key
        )
    )
