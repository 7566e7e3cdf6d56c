"""Commands about complaints: complaint breaches, summary, compensation."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from retention.cli._shared import closed_day, console, open_databases, parse_date, run_factory

complaint_app = typer.Typer(help="Complaints: who waits too long, why customers complain, what they got.", no_args_is_help=True)

Day = Annotated[str | None, typer.Option("--date", help="Business day; default yesterday.")]


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.add_typer(complaint_app, name="complaint")


@complaint_app.command("breaches")
def complaint_breaches(
    team: Annotated[str | None, typer.Option("--team", help="Of one team only.")] = None,
    limit: Annotated[int, typer.Option(min=1)] = 50,
) -> None:
    """List complaints that wait past the clock, by responsible team, the longest waiting first."""
    from retention.report import Section, print_section, rows
    from retention.warehouse import sql_file

    warehouse, _ = open_databases()
    found = rows(warehouse, sql_file("_report/complaint_breaches"), {"team": team, "row_limit": limit})
    names = ("team", "clock", "severity", "complaint", "customer_key", "due_at", "told_at")
    table = [[_shown(row[name]) for name in names] for row in found]
    print_section(
        console(),
        Section("Complaints past the clock", "投诉超时", [(name, "left") for name in names], table, empty="nobody waits"),
    )


@complaint_app.command("summary")
def complaint_summary(
    week: Annotated[str | None, typer.Option("--week", help="Any day of the week; default the newest that has ended.")] = None,
    lang: Annotated[str, typer.Option("--lang", help="en or zh.")] = "en",
    output: Annotated[Path | None, typer.Option("--output", help="Write the page to this file.", dir_okay=False)] = None,
) -> None:
    """Print the weekly review: causes by product, category, channel and team, and compensation, as Markdown."""
    from retention import pipeline
    from retention.measurement.complaint_summary import LANGUAGES, weekly_summary

    if lang not in LANGUAGES:
        raise typer.BadParameter("en or zh", param_hint="--lang")
    run = run_factory(closed_day(None))("complaint summary")
    try:
        text = weekly_summary(run, parse_date(week, "--week"), lang)
    finally:
        pipeline.close(run)
    if output is None:
        console().print(Text(text))
    else:
        output.write_text(text, encoding="utf-8")
        console().print(Text(f"written to {output}"))


@complaint_app.command("compensation")
def complaint_compensation(date: Day = None, limit: Annotated[int, typer.Option(min=1)] = 50) -> None:
    """List resolved complaints whose compensation is missing, below what their severity entitles to, or above the ceiling."""
    from retention import pipeline
    from retention.measurement.complaint_review import cases_to_look_at
    from retention.measurement.complaint_summary import VERDICTS
    from retention.report import Section, number, print_section

    run = run_factory(closed_day(date))("complaint compensation")
    digits = run.settings.company.base_currency_minor_digits
    try:
        found = cases_to_look_at(run, limit)
    finally:
        pipeline.close(run)

    def money(minor: int | None) -> str:
        return "" if minor is None else number(minor / 10**digits)

    table = [
        [
            str(row.complaint_key), row.team, row.severity, f"{row.resolved_at:%Y-%m-%d}", money(row.expected_minor),
            money(row.compensation_minor), "\n".join(VERDICTS[row.verdict]),
        ]
        for row in found
    ]  # fmt: skip
    columns = [
        ("complaint", "left"), ("team", "left"), ("severity", "left"), ("resolved", "left"), ("stated", "right"),
        ("recorded", "right"), ("verdict", "left"),
    ]  # fmt: skip
    print_section(
        console(), Section("Compensation to look at", "赔付核对", columns, table, empty="every case got what is stated")
    )


def _shown(value: object) -> str:
    if value is None:
        return ""
    return f"{value:%Y-%m-%d %H:%M}" if hasattr(value, "strftime") else str(value)
