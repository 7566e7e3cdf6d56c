"""What a run has brought, in tables that a person reads: the end of the demo, and ``retention report``."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

import sqlalchemy as sa
from rich import box
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from retention.settings import Settings
from retention.warehouse import Warehouse, all_contracts, sql_file

BAR_WIDTH = 24
_KEY = re.compile(r"(-?\d{16,20})?")


@dataclass(frozen=True)
class Section:
    """One table of the report.

    ``columns`` are (heading, justify) pairs; ``note`` says what the figures mean or what to do.
    """

    title: str
    title_zh: str
    columns: Sequence[tuple[str, str]]
    rows: Sequence[Sequence[str]]
    note: str = ""
    empty: str = "nothing yet"


@dataclass(frozen=True)
class Report:
    """All sections of one business day."""

    business_date: date
    sections: list[Section] = field(default_factory=list)


def build(
    warehouse: Warehouse,
    marketing: Warehouse | None,
    settings: Settings,
    business_date: date,
    run_times: Mapping[str, float] | None = None,
    run_times_of: str = "DAG",
    next_steps: Sequence[tuple[str, str]] = (),
) -> Report:
    """Read what a business day has brought.

    Parameters
    ----------
    warehouse, marketing : Warehouse
        The two databases; without marketing the section on pushes says so.
    settings : Settings
        For the currency.
    business_date : date
        B; scores and segments are shown as of the day after.
    run_times : mapping, optional
        Seconds by DAG or step, measured by the caller.
    run_times_of : str
        What the run times belong to: ``DAG`` or ``step``.
    next_steps : pairs
        (what, where): addresses to look at next.
    """
    as_of = {"as_of_date": business_date + timedelta(days=1)}
    sections = [
        core_rows(warehouse),
        quarantined(warehouse),
        churn(warehouse, as_of),
        lifetime_value(warehouse, as_of, settings),
        tiers_and_stages(warehouse, as_of),
        plays(warehouse, as_of),
        exclusions(warehouse, as_of),
        pushes(marketing),
    ]
    if run_times:
        sections.append(times(run_times, run_times_of))
    if next_steps:
        sections.append(
            Section("Where to look next", "下一步", [("what", "left"), ("where", "left")], [list(s) for s in next_steps])
        )
    return Report(business_date, sections)


def core_rows(warehouse: Warehouse) -> Section:
    """Count the rows of each core table, and how many of them were simulated."""
    contracts = [c for c in all_contracts().values() if c.schema == "core" and c.kind == "table"]
    parts = []
    for contract in contracts:
        simulated = "count(*) filter (where is_simulated)" if "is_simulated" in contract.column_names else "0"
        # Names come from contracts, never from data.
        parts.append(f"select '{contract.table}' as name, count(*) as total, {simulated} as simulated from {contract.table}")
    found = rows(warehouse, " union all ".join(parts))
    return Section(
        "Rows per core table",
        "核心表行数",
        [("table", "left"), ("rows", "right"), ("of them simulated", "right")],
        [[row["name"], number(row["total"]), number(row["simulated"])] for row in found],
        note="Simulated rows are marked in the column is_simulated, from the source on.",
    )


def quarantined(warehouse: Warehouse) -> Section:
    """Count refused rows by rule."""
    found = rows(warehouse, sql_file("_report/quarantine"))
    return Section(
        "Quarantined rows by rule",
        "隔离数据",
        [("source.entity", "left"), ("rule", "left"), ("column", "left"), ("waiting", "right"), ("ever", "right")],
        [
            [f"{r['source']}.{r['entity']}", r["rule"], r["column_name"], number(r["waiting"]), number(r["refused"])]
            for r in found
        ],
        note="`retention quarantine list` names them; a repaired row is replayed, none is lost.",
        empty="no row was refused",
    )


def churn(warehouse: Warehouse, as_of: Mapping[str, Any]) -> Section:
    """Show how churn probabilities are distributed over the purchasers."""
    found = rows(warehouse, sql_file("_report/churn"), as_of)
    largest = max((r["customers"] for r in found), default=1)
    fallback = sum(r["fallback"] for r in found)
    return Section(
        "Churn probability of purchasers",
        "流失概率分布",
        [("band", "left"), ("customers", "right"), ("mean", "right"), ("", "left")],
        [
            [
                f"{r['band'] / 10:.1f} to {(r['band'] + 1) / 10:.1f}",
                number(r["customers"]),
                f"{r['mean_probability']:.3f}",
                "█" * max(1, round(BAR_WIDTH * r["customers"] / largest)),
            ]
            for r in found
        ],
        note=f"{number(fallback)} scores by the fallback rule: no model was promoted yet." if fallback else "",
    )


def lifetime_value(warehouse: Warehouse, as_of: Mapping[str, Any], settings: Settings) -> Section:
    """Show how the predicted twelve-month value is distributed."""
    found = rows(warehouse, sql_file("_report/clv"), as_of)
    total = sum(r["sum_minor"] for r in found) or 1

    def money(minor: int) -> str:
        return number(minor / 10**settings.company.base_currency_minor_digits)

    return Section(
        f"Customer value, next 12 months, {settings.company.base_currency}",
        "客户终身价值",
        [
            ("fifth", "left"),
            ("customers", "right"),
            ("from", "right"),
            ("to", "right"),
            ("share of value", "right"),
            ("orders expected", "right"),
            ("alive", "right"),
        ],
        [
            [
                ("richest", "second", "third", "fourth", "lowest")[r["band"] - 1],
                number(r["customers"]),
                money(r["lowest_minor"]),
                money(r["highest_minor"]),
                f"{r['sum_minor'] / total:.0%}",
                "" if r["mean_orders"] is None else f"{r['mean_orders']:.1f}",
                "" if r["mean_alive"] is None else f"{r['mean_alive']:.2f}",
            ]
            for r in found
        ],
    )


STAGES = ("prospect", "new", "lapsed_new", "repeat", "loyal", "at_risk", "lost", "won_back")
TIERS = ("vip", "potential", "ordinary", "marginal")


def tiers_and_stages(warehouse: Warehouse, as_of: Mapping[str, Any]) -> Section:
    """Cross service tiers with lifecycle stages."""
    found = rows(warehouse, sql_file("_report/tiers_and_stages"), as_of)
    labels = {r["lifecycle_stage"]: r["lifecycle_stage_zh"] for r in found}
    stages = [*STAGES, *sorted(set(labels) - set(STAGES))]
    tiers = [*TIERS, *sorted({r["service_tier"] for r in found} - set(TIERS))]
    cell = {(r["service_tier"], r["lifecycle_stage"]): r for r in found}
    table: list[list[str]] = []
    for stage in stages:
        if stage not in labels:
            continue
        here = [cell[tier, stage]["customers"] if (tier, stage) in cell else 0 for tier in tiers]
        table.append([f"{stage} {labels[stage]}", *(number(n) if n else "·" for n in here), number(sum(here))])
    names = {r["service_tier"]: r["service_tier_zh"] for r in found}
    if found:
        sums = [sum(r["customers"] for r in found if r["service_tier"] == tier) for tier in tiers]
        table.append(["all", *map(number, sums), number(sum(sums))])
        risk = [sum(r["at_risk"] for r in found if r["service_tier"] == tier) for tier in tiers]
        table.append(["of them at risk", *map(number, risk), number(sum(risk))])
    heads = [(f"{tier}\n{names.get(tier, '')}".strip(), "right") for tier in tiers]
    return Section("Customers per tier and stage", "客户分层与生命周期", [("stage", "left"), *heads, ("all", "right")], table)


def plays(warehouse: Warehouse, as_of: Mapping[str, Any]) -> Section:
    """Show audience and control group of each play."""
    found = rows(warehouse, sql_file("_report/plays"), as_of)
    return Section(
        "Audience per play",
        "营销活动人群",
        [("play", "left"), ("audience", "right"), ("control group", "right"), ("excluded, with reason", "right")],
        [[r["play"], number(r["audience"]), number(r["control_group"]), number(r["excluded"])] for r in found],
    )


def exclusions(warehouse: Warehouse, as_of: Mapping[str, Any]) -> Section:
    """Show why customers were left out of audiences that they match."""
    found = rows(warehouse, sql_file("_report/exclusions"), as_of)
    return Section(
        "Left out, by the first rule that failed",
        "排除原因",
        [("rule", "left"), ("times", "right"), ("also beside others", "right")],
        [[r["rule"], number(r["exclusions"]), number(r["failures"])] for r in found],
        empty="nobody was left out",
    )


def pushes(marketing: Warehouse | None) -> Section:
    """Show what the newest pushes changed in the marketing database."""
    head = [("pushed for", "left"), ("state", "left"), ("added", "right"), ("updated", "right"), ("removed", "right")]
    head += [("members then", "right"), ("staff tasks", "right")]
    if marketing is None:
        return Section("Changes pushed", "推送", head, [], empty="no marketing database is configured")
    found = rows(marketing, sql_file("_report/pushes"))
    return Section(
        "Changes pushed to the marketing database",
        "推送",
        head,
        [
            [
                str(r["business_date"]),
                r["state"],
                number(r["added"]),
                number(r["updated"]),
                number(r["removed"]),
                number(r["members"]),
                number(r["tasks"]),
            ]
            for r in found
        ],
    )


def times(run_times: Mapping[str, float], of: str) -> Section:
    """Show run times with their sum."""
    table = [[name, seconds_text(seconds)] for name, seconds in run_times.items()]
    table.append(["together", seconds_text(sum(run_times.values()))])
    return Section(f"Run time per {of}", "运行时间", [(of, "left"), ("time", "right")], table)


# -- reading and printing -------------------------------------------------------------------------------------------------
def rows(database: Warehouse, sql: str, params: Mapping[str, Any] | None = None) -> list[dict[str, Any]]:
    """Read a few rows as dictionaries."""
    with database.connect() as connection:
        return [dict(row) for row in connection.execute(sa.text(sql), dict(params or {})).mappings()]


def number(value: float | int | None) -> str:
    """Write a number with thousands separators."""
    return "" if value is None else f"{value:,.0f}"


def seconds_text(seconds: float) -> str:
    """Write a duration: 8.4 s, 1 min 12 s."""
    return f"{seconds:.1f} s" if seconds < 60 else f"{int(seconds // 60)} min {int(seconds % 60)} s"


def print_section(console: Console, section: Section) -> None:
    """Print one section as a table, or one line when it has no rows."""
    console.print()
    console.print(Text.assemble((section.title, "bold"), "  ", (section.title_zh, "dim")))
    if not section.rows:
        console.print(Padding(Text(section.empty, style="dim"), (0, 2), expand=False))
        return
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1), show_edge=False, header_style="dim")
    for place, (heading, justify) in enumerate(section.columns):
        # A key is copied into the next command, so it is never broken over two lines.
        is_key = all(_KEY.fullmatch(row[place]) for row in section.rows)
        table.add_column(heading, justify=justify, overflow="fold", no_wrap=is_key)  # type: ignore[arg-type]  # "left" or "right"
    for row in section.rows:
        table.add_row(*(Text(cell) for cell in row))
    console.print(Padding(table, (0, 2), expand=False))
    if section.note:
        console.print(Padding(Text(section.note, style="dim"), (0, 2), expand=False))


def print_report(console: Console, report: Report) -> None:
    """Print a whole report; readable at 100 columns, plain when piped."""
    day = report.business_date
    console.print()
    console.rule(f"[bold]Business day {day}[/], as of {day + timedelta(days=1)}", style="dim")
    for section in report.sections:
        print_section(console, section)
    console.print()
