"""The strategy review on demand."""

from __future__ import annotations

from typing import Annotated

import typer

from retention.cli._shared import closed_day, console, open_databases, run_factory


def register(app: typer.Typer) -> None:
    """Add the command of this module."""
    app.command()(review)


def review(
    date: Annotated[str | None, typer.Option("--date", help="Last business day of the review; default yesterday.")] = None,
) -> None:
    """Write the strategy review: groups that fall behind, the plays to reconsider, why customers complained."""
    from retention.deployment import Deployment
    from retention.pipeline import review_strategy
    from retention.report import Section, print_section, rows

    day = closed_day(date)
    run = run_factory(day)("review")
    review_strategy(run)
    out = console()
    warehouse, _ = open_databases()
    flagged = rows(
        warehouse,
        "select dimension, member, kpi, value, others, before, advice, advice_play from bi.strategy_review "
        "where as_of_date = :as_of_date and (is_behind or is_falling) order by kpi, dimension, member",
        {"as_of_date": run.as_of_date},
    )
    columns = [
        ("group", "left"),
        ("KPI", "left"),
        ("value", "right"),
        ("others", "right"),
        ("before", "right"),
        ("advice", "left"),
    ]
    cells = [
        [
            f"{row['dimension']}: {row['member']}",
            row["kpi"],
            _figure(row["value"]),
            _figure(row["others"]),
            _figure(row["before"]),
            f"{row['advice']} {row['advice_play'] or ''}".strip(),
        ]
        for row in flagged
    ]
    print_section(out, Section("To reconsider", "需要重新考虑", columns, cells, empty="no group falls behind beyond chance"))
    folder = Deployment.from_env().home / "reports" / "review"
    out.print(f"Written: {folder}/{run.as_of_date}.en.html, .zh.html, and the same as .md", soft_wrap=True)


def _figure(value: float | None) -> str:
    return "–" if value is None else f"{value:,.3f}"
