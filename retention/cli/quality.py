"""Commands around validation: the pages that show what was checked."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.text import Text

from retention.cli._shared import closed_day, console, open_databases
from retention.deployment import Deployment

quality_app = typer.Typer(help="What validation has found.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.add_typer(quality_app, name="quality")


@quality_app.command("report")
def report(
    date: Annotated[str | None, typer.Option("--date", help="Business day; default yesterday.")] = None,
) -> None:
    """Write the pages of a business day (counts, never a value) and print where they are."""
    from retention.quality.pages import build_pages

    warehouse, _ = open_databases()
    page = build_pages(warehouse, closed_day(date), Deployment.from_env().home / "validation")
    # Not wrapped to the width of a table: it is a path to open.
    console().print(Text(str(page)), soft_wrap=True)
