"""Looking at the health of pipeline and audiences."""

from __future__ import annotations

from typing import Annotated

import typer

from retention.cli._shared import closed_day, console, open_databases, run_factory

_COLOURS = {"breach": "red", "warn": "yellow", "ok": "green", "not_measured": "dim"}


def register(app: typer.Typer) -> None:
    """Add the command of this module."""
    app.command()(health)


def health(
    date: Annotated[str | None, typer.Option("--date", help="Business day to look at; default yesterday.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Show what is well, too.")] = False,
    tell: Annotated[bool, typer.Option("--tell", help="Tell every channel what is newly wrong or well again.")] = False,
) -> None:
    """Look at pipeline and audiences now, beside their objectives; leaves with 5 when one is missed."""
    from datetime import UTC, datetime

    from rich.text import Text

    from retention import pipeline
    from retention.report import rows

    now = datetime.now(UTC)
    run = run_factory(closed_day(date))("health")
    try:
        counts = pipeline.health(run, now) if tell else pipeline.check_health(run, now)
    finally:
        pipeline.close(run)
    warehouse, _ = open_databases()
    found = rows(
        warehouse,
        "select found.*, definition.label_en, definition.label_zh, definition.advice_en from bi.health_check as found "
        "inner join bi.health_definition as definition on found.check_name = definition.check_name "
        "where found.as_of_date = :as_of_date and (:everything or found.state in ('warn', 'breach')) "
        "order by array_position(array['breach', 'warn', 'ok', 'not_measured'], found.state), definition.position, "
        "found.subject",
        {"as_of_date": run.as_of_date, "everything": everything},
    )
    out = console()
    for row in found:
        out.print(Text.assemble((f"{row['state']:>12}", _COLOURS[row["state"]]), f"  {row['sentence_en']}"), soft_wrap=True)
        if row["state"] in ("warn", "breach"):
            out.print(Text(f"{'':12}  {row['sentence_zh']}", style="dim"), soft_wrap=True)
            out.print(Text(f"{'':12}  {row['advice_en']}"), soft_wrap=True)
    out.print(
        f"{counts['checks']} looked at: {counts['ok']} ok, {counts['warn']} close to their limit, {counts['breach']} not well, "
        f"{counts['not_measured']} not measured. docs/health.md says what each means.",
        soft_wrap=True,
    )
    if counts["breach"]:
        raise typer.Exit(5)
