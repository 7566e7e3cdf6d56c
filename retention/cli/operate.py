"""Commands that run a day and show how things stand: run, status, report."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from retention.cli._shared import closed_day, console, now_in, open_databases, parse_date, run_factory
from retention.settings import load_settings

if TYPE_CHECKING:
    from retention.warehouse import Warehouse
    from retention.whole_day import Step


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command()(run)
    app.command()(status)
    app.command()(report)


def run(
    date: Annotated[str | None, typer.Option("--date", help="Closed business day, e.g. 2026-11-21; default yesterday.")] = None,
    train: Annotated[
        bool | None, typer.Option("--train/--no-train", help="Train before scoring; default: when there is no champion.")
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="Leave the report out.")] = False,
) -> None:
    """Run a whole business day without Airflow: the same functions, in the same order."""
    from retention.whole_day import run_day

    day = closed_day(date)
    settings = load_settings()
    out = console()
    warehouse, marketing = open_databases()
    with_training = not has_champions(warehouse) if train is None else train
    show = DayProgress(out)
    with show:
        steps = run_day(run_factory(day), now_in(settings), with_training=with_training, progress=show.step)
    if not quiet:
        times: defaultdict[str, float] = defaultdict(float)
        for step in steps:
            times["extract" if step.name.startswith("extract ") else step.name] += step.seconds
        print_day(out, warehouse, marketing, day.isoformat(), times, "step", None)


def has_champions(warehouse: Warehouse) -> bool:
    """Tell whether a churn and a value model were promoted already."""
    from retention.report import rows

    return bool(rows(warehouse, "select 1 from ops.model where state = 'champion' having count(distinct kind) = 2"))


class DayProgress:
    """Shows the steps of a day: a live bar on a terminal, one line per finished step elsewhere."""

    def __init__(self, out: Console) -> None:
        self.out = out
        self.bar = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=out,
            transient=True,
            disable=not out.is_terminal,
        )
        self.task: Any = None

    def __enter__(self) -> DayProgress:
        self.bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.bar.stop()

    def step(self, step: Step) -> None:
        """Show a step that begins or has ended."""
        if self.task is None:
            self.task = self.bar.add_task(step.name, total=step.total)
        self.bar.update(self.task, description=step.name, completed=step.position - (step.state == "running"))
        if step.state != "running":
            mark = "[green]✓[/]" if step.state == "done" else "[red]✗[/]"
            place = f"{step.position:>2}/{step.total}"
            line = f"{mark} {place} {step.name:<36} {step.seconds:6.1f} s  {brief(step.counts)}"
            self.out.print(line, no_wrap=True, overflow="ellipsis")


def brief(counts: dict[str, Any], most: int = 3) -> str:
    """Return the first few figures of a step's counts in one line."""
    whole = {key: value for key, value in counts.items() if isinstance(value, int) and not isinstance(value, bool)}
    figures = [(key.rpartition(".")[2], value) for key, value in whole.items() if not key.endswith("_id")]
    if "skipped" in counts:
        return f"skipped: {counts['skipped']}"
    if "already_published_until" in counts:
        return f"nothing to do: loaded up to {counts['already_published_until']}"
    return ", ".join(f"{key} {value:,}" for key, value in figures[:most])


def status(
    runs: Annotated[int, typer.Option("--runs", help="How many of the last attempts to show.")] = 12,
) -> None:
    """Show the last attempts, freshness, batches, counts, and whatever is stuck."""
    from retention.cli._status import sections
    from retention.report import print_section

    out = console()
    warehouse, marketing = open_databases()
    for section in sections(warehouse, marketing, load_settings(), now_in(load_settings()), runs):
        print_section(out, section)


def report(
    date: Annotated[str | None, typer.Option("--date", help="Business day; default: the newest one published.")] = None,
    run_times: Annotated[
        Path | None, typer.Option("--run-times", help="JSON file with seconds by DAG.", exists=True, dir_okay=False)
    ] = None,
    ui_url: Annotated[str | None, typer.Option("--ui-url", help="Address of Airflow's UI.")] = None,
) -> None:
    """Print what a business day has brought, from core rows to audiences."""
    warehouse, marketing = open_databases()
    day = parse_date(date)
    if day is not None:
        require_published(warehouse, day.isoformat())
    times = json.loads(run_times.read_text()) if run_times else None
    print_day(console(), warehouse, marketing, day.isoformat() if day else newest_day(warehouse), times, "DAG", ui_url)


def newest_day(warehouse: Warehouse) -> str:
    """Return the newest business day of which segments were published."""
    from datetime import date

    from retention.report import rows
    from retention.warehouse import RetentionError

    found = rows(warehouse, "select max(slice_key) as newest from ops.published where table_name = 'segments.tier'")
    if not found or found[0]["newest"] is None:
        raise RetentionError("no business day was published yet: run `retention run` first.", runbook="nothing-published")
    return (date.fromisoformat(found[0]["newest"]) - timedelta(days=1)).isoformat()


def require_published(warehouse: Warehouse, day: str) -> None:
    """Refuse to report a business day of which nothing was published: empty tables would look like a result."""
    from datetime import date

    from retention.report import rows
    from retention.warehouse import RetentionError

    as_of = (date.fromisoformat(day) + timedelta(days=1)).isoformat()
    query = "select 1 from ops.published where table_name = 'segments.tier' and slice_key = :as_of"
    if not rows(warehouse, query, {"as_of": as_of}):
        raise RetentionError(
            f"business day {day} was not published; the newest one is {newest_day(warehouse)}.", runbook="nothing-published"
        )


def print_day(
    out: Console,
    warehouse: Warehouse,
    marketing: Warehouse | None,
    day: str,
    times: Mapping[str, float] | None,
    times_of: str,
    ui_url: str | None,
) -> None:
    """Print the report of a business day."""
    from datetime import date

    from retention.report import build, print_report

    steps = [("Airflow, every run and the asset graph", ui_url)] if ui_url else []
    steps += [
        ("addresses for psql and BI tools", "retention urls --password"),
        ("who is in which audience, and why", "marketing.campaign_audience, `retention why CUSTOMER PLAY`"),
        ("what marketing tools read", "marketing.sendable, marketing.audience_change"),
        ("every customer on one day", "segments.tier, segments.lifecycle, scores.churn, scores.clv"),
        ("a query of your own", 'echo "select * from segments.tier limit 5" | retention sql -'),
        ("state of everything", "retention status"),
    ]
    print_report(
        out,
        build(warehouse, marketing, load_settings(), date.fromisoformat(day), times, times_of, [s for s in steps if s[1]]),
    )
