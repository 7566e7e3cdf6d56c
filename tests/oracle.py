"""What must hold after every run, fault or re-run, asked of the databases alone: nothing here calls the product's own checks."""

from __future__ import annotations

import psycopg

_WAREHOUSE = {
    "rows of a batch that are neither valid nor quarantined nor duplicate nor of somebody erased": """
        select batch_id from ops.batch
        where state in ('validated', 'published')
            and rows_extracted <> rows_valid + rows_quarantined + rows_duplicate + rows_tombstoned
    """,
    "quarantined rows that the batch does not count": """
        select b.batch_id from ops.batch as b
        left join quarantine.row as q on q.batch_id = b.batch_id
        where b.state in ('validated', 'published')
        group by b.batch_id, b.rows_quarantined
        having count(q.quarantine_id) <> b.rows_quarantined
    """,
    "quarantined rows without rule, reason or position": """
        select quarantine_id from quarantine.row where rule is null or reason is null or position is null
    """,
    "two published batches of one source, entity and business date": """
        select source, entity, business_date from ops.batch
        where state = 'published' and entity not like '%@%'
        group by source, entity, business_date having count(*) > 1 and bool_or(is_full)
    """,
    "ledger entries that say running": "select ledger_id from ops.run_ledger where state = 'running'",
    "leases held by nobody alive": "select dataset, slice_key from ops.lease where expires_at > clock_timestamp()",
    "staging left behind": "select tablename from pg_tables where schemaname = 'staging' and tablename ~ '__[0-9]+__[0-9]+$'",
    "orders whose ledger does not begin with the payment": """
        select order_key from core.order_entry
        group by order_key
        having count(*) filter (where kind = 'paid') <> 1 or sum(order_count) not in (0, 1)
    """,
    "order numbers of a customer with a gap": """
        select customer_key from core.order_entry where kind = 'paid' and deleted_at is null
        group by customer_key having max(order_number) <> count(*) or count(distinct order_number) <> count(*)
    """,
    "people counted under two keys": """
        select s.customer_key from pii.source_customer as s
        inner join core.customer_alias as a using (source_customer_key)
        where a.customer_key <> s.customer_key
    """,
    "refusals at an address that no withdrawal in the ledger bears out": """
        select r.address from pii.address_refusal as r where not exists (
            select 1 from privacy.consent as c
            where c.customer_key = r.customer_key and c.purpose = r.purpose and c.channel in (r.channel, 'all')
                and c.decision = 'withdrawn' and c.basis = 'decision'
        )
    """,
    "plays whose counts do not add up": """
        select as_of_date, play from campaigns.play_run
        where population <> not_in_audience + excluded + control + selected
    """,
    "customers without masks, or masks of nobody": """
        select customer_key from campaigns.eligibility as e
        full join campaigns.customer_attributes as a using (as_of_date, customer_key)
        where e.failing_rules is null or a.language is null
    """,
    "masks that do not cover every play": """
        select e.customer_key from campaigns.eligibility as e
        left join campaigns.plan_version as v using (plays_version)
        where cardinality(e.failing_rules) is distinct from cardinality(v.plays)
            or array_position(e.failing_rules, null) is not null
    """,
    "masks and decisions that contradict each other": """
        select as_of_date, play, customer_key from campaigns.exclusion as e
        full join campaigns.decision as d using (as_of_date, play, customer_key)
        where coalesce(e.state, 'excluded') <> coalesce(d.state, 'excluded')
            and as_of_date in (select cast(slice_key as date) from ops.published where table_name = 'campaigns.eligibility')
    """,
    "control customers who were delivered the play in that period": """
        select d.send_key from campaigns.delivery as d
        inner join campaigns.decision as c
            on c.play = d.play and c.customer_key = d.customer_key and c.period_key = d.period_key and c.state = 'control'
    """,
    "promotional plays beyond one per customer and day": """
        select as_of_date, customer_key from campaigns.decision
        where state = 'selected' and kind = 'promotional' and joined_on = as_of_date
        group by as_of_date, customer_key having count(*) > 1
    """,
}
_MARKETING = {
    "send keys handed out twice": """
        select send_key from marketing.audience_change where change = 'added' group by send_key having count(*) > 1
    """,
    "audiences that differ from their replayed changes": """
        with last as (
            select distinct on (campaign, customer_key) campaign, customer_key, change, send_key
            from marketing.audience_change order by campaign, customer_key, sequence desc
        )
        select coalesce(a.campaign, last.campaign) from marketing.campaign_audience as a
        full join (select * from last where change <> 'removed') as last
            on last.campaign = a.campaign and last.customer_key = a.customer_key and last.send_key = a.send_key
        where a.campaign is null or last.campaign is null
    """,
    "sendable people without consent": """
        select s.customer_key from marketing.sendable as s
        where s.purpose = 'marketing' and not exists (
            select 1 from marketing.consent_state as c
            where c.customer_key = s.customer_key and c.purpose = 'marketing'
                and c.channel in (s.channel, 'all') and c.decision = 'granted'
        )
    """,
    "sendable people at an address where somebody else refuses": """
        select s.customer_key from marketing.sendable as s
        inner join marketing.shared_address as a on a.customer_key = s.customer_key and a.channel = s.channel
        inner join marketing.address_refusal as r on r.address_hash = a.address_hash and r.channel = a.channel
        where r.customer_key <> s.customer_key and r.purpose = s.purpose and r.is_held
    """,
    "sendable people who are suppressed or whose time is over": """
        select s.customer_key from marketing.sendable as s
        left join marketing.suppression as x on x.customer_key = s.customer_key
        where x.customer_key is not null or s.valid_until <= now()
    """,
}


def violations(warehouse_url: str, marketing_url: str) -> list[str]:
    """Return what does not hold, in words with the number of rows; empty when all is well."""
    found = []
    for url, questions in ((warehouse_url, _WAREHOUSE), (marketing_url, _MARKETING)):
        with psycopg.connect(url) as connection:
            for meaning, query in questions.items():
                rows = connection.execute(query).fetchall()
                if rows:
                    found.append(f"{len(rows)} {meaning}, e.g. {rows[0]}")
    return found
