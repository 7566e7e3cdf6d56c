"""What the tiny company came to: the tables that matter, with names in the place of keys."""

from __future__ import annotations

from typing import Any

import psycopg

from retention.privacy import source_customer_key
from retention.warehouse import all_contracts
from tests.oracle import violations
from tests.tiny import FIRST_DAY, PEPPER, SECOND_DAY, TinyCompany, night_after
from tests.tiny_expected import PEOPLE

KEYS = {name: source_customer_key(PEPPER, "crm", number) for name, number in PEOPLE.items()}
NAMES = {key: name for name, key in KEYS.items()}
DAYS = {"first": FIRST_DAY, "second": SECOND_DAY}

# When and by whom a row was written differs from run to run; what the row says must not.
BOOKKEEPING = {
    "run_id",
    "batch_id",
    "created_at",
    "updated_at",
    "recorded_at",
    "computed_at",
    "published_at",
    "changed_at",
    "found_at",
}

PURCHASERS = """
    select o.customer_key, o.recency_days, o.count_orders_lifetime, o.net_minor_365d, c.churn_probability, v.clv_12m_minor,
        concat(r.recency_score, r.frequency_score, r.monetary_score), r.rfm_class, r.rfm_segment
    from features.customer_orders as o
    full join scores.churn as c using (as_of_date, customer_key)
    full join scores.clv as v using (as_of_date, customer_key)
    full join segments.rfm as r using (as_of_date, customer_key)
    where as_of_date = %s
"""
EVERYBODY = """
    select l.customer_key, l.lifecycle_stage, v.value_class, t.service_tier, case when t.is_at_risk then 'yes' else 'no' end,
        m.membership_level, m.membership_spend_minor, m.next_level, m.amount_to_next_level_minor, m.points_balance
    from segments.lifecycle as l
    full join segments.value_matrix as v using (as_of_date, customer_key)
    full join segments.tier as t using (as_of_date, customer_key)
    full join segments.membership as m using (as_of_date, customer_key)
    where as_of_date = %s
"""
DECISIONS = """
    select exclusion.play, exclusion.customer_key, exclusion.state, exclusion.first_failing_rule, decision.channel, decision.offer,
        decision.joined_on
    from campaigns.exclusion as exclusion
    left join campaigns.decision as decision using (as_of_date, play, customer_key)
    where exclusion.as_of_date = %s and exclusion.failing_rules & 524288 = 0
"""
PLAY_RUNS = """
    select play, population, not_in_audience, excluded, control, selected from campaigns.play_run where as_of_date = %s
"""
AUDIENCE = """
    select campaign, customer_key, customer_id, kind, channel, cast(valid_until at time zone 'Asia/Shanghai' as date)
    from marketing.campaign_audience where cast(valid_until at time zone 'Asia/Shanghai' as time) = '00:00'
"""
TASKS = """
    select campaign, customer_key, state, account_owner, opening_minor, midpoint_minor, ceiling_minor,
        cast(due_until at time zone 'Asia/Shanghai' as date)
    from marketing.staff_task
"""
QUARANTINE = "select entity, row ->> 'order_id', rule, column_name from quarantine.row"


def ask(url: str, query: str, *params: object) -> list[tuple[Any, ...]]:
    """Return the rows of a query."""
    with psycopg.connect(url) as connection:
        return connection.execute(query, params or None).fetchall()


def named(rows: list[tuple[Any, ...]], column: int = 0) -> list[tuple[str | None, ...]]:
    """Return rows as texts, as the expected tables have them, with names in the place of keys."""
    return [
        tuple(NAMES[cell] if at == column else None if cell is None else str(cell) for at, cell in enumerate(row))
        for row in rows
    ]


def ordered(rows: list[tuple[str | None, ...]]) -> list[tuple[str | None, ...]]:
    """Return rows in one order, so that two lists can be compared."""
    return sorted(rows, key=lambda row: [cell or "" for cell in row])


def everything(company: TinyCompany) -> dict[str, list[str]]:
    """Every row of what both databases hold for others to read, without bookkeeping."""
    found = {}
    for contract in all_contracts().values():
        if contract.kind == "view" or contract.schema in ("landing", "ops"):
            continue
        if contract.table in (
            "marketing.audience_sync",
            "marketing.push_state",
            "marketing.consent_feed",
            "campaigns.push_receipt",
            "bi.health_check",
        ):
            continue  # one row per push, or the time of the last one; durations of runs and ages in hours
        columns = ", ".join(f'"{name}"' for name in contract.column_names if name not in BOOKKEEPING)
        url = company.marketing_url if contract.database == "marketing" else company.warehouse_url
        found[contract.table] = sorted(map(str, ask(url, f'select {columns} from {contract.schema}."{contract.name}"')))
    return found


def state(company: TinyCompany, day: str) -> dict[str, Any]:
    """Everything that the tests look at after one run."""
    as_of = night_after(DAYS[day]).date()
    warehouse, marketing = company.warehouse_url, company.marketing_url
    return {
        "purchasers": ask(warehouse, PURCHASERS, as_of),
        "everybody": named(ask(warehouse, EVERYBODY, as_of)),
        "decisions": named(ask(warehouse, DECISIONS, as_of), 1),
        "play_runs": ask(warehouse, PLAY_RUNS, as_of),
        "draws": ask(
            warehouse,
            "select play, period_key, customer_key, holdout_bucket from campaigns.decision where as_of_date = %s",
            as_of,
        ),
        "audience": named(ask(marketing, AUDIENCE), 1),
        "changes": ask(
            marketing, "select change, campaign, customer_key, reason from marketing.audience_change order by sequence"
        ),
        "tasks": named(ask(marketing, TASKS), 1),
        "quarantine": sorted(ask(warehouse, QUARANTINE)),
        "tier_moves": named(
            ask(warehouse, "select customer_key, from_tier, to_tier from segments.tier_move where as_of_date = %s", as_of)
        ),
        "stage_moves": named(
            ask(
                warehouse,
                "select customer_key, from_stage, to_stage from segments.lifecycle_move where run_as_of_date = %s "
                "order by as_of_date",
                as_of,
            )
        ),
        "breaches": ask(warehouse, "select complaint_key, clock, state from ops.complaint_breach order by 1, 2"),
        "violations": violations(warehouse, marketing),
        "everything": everything(company),
    }
