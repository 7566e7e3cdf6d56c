"""The command line: ``retention --help``."""

from __future__ import annotations

import warnings
from typing import Annotated

import typer

from retention.cli import (
    alert,
    audience,
    complaint,
    consent,
    data,
    evaluate,
    health,
    identity,
    model,
    operate,
    people,
    play,
    push,
    quality,
    quarantine,
    review,
    segment,
    setup,
    sources,
    why,
)
from retention.cli._shared import EXIT_CODES, Commands

app = typer.Typer(
    name="retention",
    cls=Commands,
    help="Customer retention: from CRM, orders and complaints to campaign audiences.",
    epilog=EXIT_CODES,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)


@app.callback()
def main(
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error (it may hold values).")] = False,
) -> None:
    """Customer retention: from CRM, orders and complaints to campaign audiences."""
    # The package of PostgreSQL's binaries looks for a runtime folder that is not needed here, and says so.
    warnings.filterwarnings("ignore", module="platformdirs")


for module in (
    setup,
    operate,
    evaluate,
    model,
    sources,
    data,
    quality,
    quarantine,
    people,
    play,
    identity,
    consent,
    audience,
    push,
    complaint,
    segment,
    review,
    health,
    alert,
    why,
):
    module.register(app)
