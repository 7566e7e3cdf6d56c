"""Commands around the push of audiences: what it would change, what waits for approval, further targets."""

from __future__ import annotations

import csv
import getpass
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.text import Text

from retention.cli._shared import closed_day, console, open_databases, run_factory
from retention.cli.audience import audience_app

if TYPE_CHECKING:
    from retention.campaigns.preview import PlayChange

Date = Annotated[str | None, typer.Option("--date", help="Business day; default yesterday.")]
_COLUMNS = [
    ("play", "left"), ("held", "right"), ("join", "right"), ("change", "right"), ("leave", "right"), ("refused", "right"),
    ("wait", "right"), ("why they leave", "left"),
]  # fmt: skip


def register(app: typer.Typer) -> None:
    """Add the commands of this module to the group ``audience``, which is registered with :mod:`retention.cli.audience`."""
    audience_app.command("diff")(diff)
    audience_app.command("approve")(approve)
    audience_app.command("feed")(feed)


def diff(
    date: Date = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="Write every single change to this CSV file.", dir_okay=False)
    ] = None,
) -> None:
    """Show what a push of the day would change, and what of it would wait. Nothing is changed."""
    from retention import pipeline
    from retention.campaigns.preview import CHANGE, preview
    from retention.exports import spreadsheet_cell
    from retention.report import Section, print_section

    day = closed_day(date)
    run = run_factory(day)("audience diff")
    screen = console()
    try:
        if out is None:
            found = preview(run)
        else:
            with out.open("w", encoding="utf-8", newline="") as file:
                writer = csv.writer(file)
                writer.writerow(CHANGE)

                def write(change: Mapping[str, Any]) -> None:
                    writer.writerow([spreadsheet_cell(change[name], is_number=name == "customer_key") for name in CHANGE])

                found = preview(run, write)
    finally:
        pipeline.close(run)
    print_section(
        screen,
        Section(
            f"What a push of {day} would change", "推送预览", _COLUMNS, [_line(play) for play in found.plays], empty="no play"
        ),
    )
    screen.print(f"{found.changes:,} changes in all. Nothing was changed.")
    if out is not None:
        screen.print(Text(f"every one of them: {out}"))
    if found.skipped:
        screen.print(Text(f"a push would do nothing: {found.skipped}"))
    elif found.verdict.waiting:
        screen.print(Text(f"would wait for approval: {found.verdict}"))


def _line(play: PlayChange) -> list[str]:
    reasons = ", ".join(f"{reason} {count:,}" for reason, count in sorted(play.reasons.items(), key=lambda item: -item[1]))
    counts = (play.held, play.added, play.updated, play.removed, play.refused, play.waits)
    return [play.play, *(f"{count:,}" for count in counts), reasons]


def approve(
    reason: Annotated[str, typer.Option("--reason", help="Why the change is right; kept for good.")],
    date: Date = None,
    by: Annotated[str | None, typer.Option("--by", help="Who approves; default the login.")] = None,
    run_id: Annotated[
        str | None, typer.Option("--run-id", help="Good only for this run; default the next push of the day.")
    ] = None,
) -> None:
    """Approve what the newest push of the day held back: for one push, up to the counts it found."""
    from retention.campaigns import approve as give

    warehouse, _ = open_databases()
    day = closed_day(date)
    given = give(warehouse, day, by or getpass.getuser(), reason, run_id)
    screen = console()
    screen.print(Text(f"approved for {day}: {json.dumps(given, default=str)}"))
    screen.print("push again: clear the task push_audience of that day, or `retention run --date …`")


def feed(
    date: Date = None,
    target: Annotated[str | None, typer.Option("--target", help="Only this target; default all.")] = None,
    full: Annotated[
        bool, typer.Option("--full", help="Compare everything, and make a target follow that is ahead of a restored database.")
    ] = False,
) -> None:
    """Bring further targets (include/targets) to what the marketing database holds, and reconcile them."""
    from retention import pipeline
    from retention.campaigns.targets import feed_targets
    from retention.deployment import Deployment

    run = run_factory(closed_day(date))("feed targets")
    try:
        counts: dict[str, Any] = feed_targets(run, Deployment.from_env().target_urls, only=target, is_full=full)
    finally:
        pipeline.close(run)
    console().print(Text(json.dumps(counts, default=str, ensure_ascii=False)))
