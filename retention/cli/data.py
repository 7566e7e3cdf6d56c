"""Commands around the data themselves: sql, sample."""

from __future__ import annotations

import getpass
import json
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich import box
from rich.table import Table
from rich.text import Text

from retention.cli._shared import console, now_in, parse_date
from retention.deployment import Deployment
from retention.exports import write_csv
from retention.settings import load_settings

sample_app = typer.Typer(help="The sample company.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command()(sql)
    app.add_typer(sample_app, name="sample")


def sql(
    source: Annotated[str, typer.Argument(help="File with one query, or - for standard input.")],
    database: Annotated[str, typer.Option("--database", help="warehouse or marketing.")] = "warehouse",
    form: Annotated[str, typer.Option("--format", help="table, csv or json.")] = "table",
    timeout: Annotated[int, typer.Option("--timeout", help="Seconds after which the query is given up.", min=1)] = 60,
    limit: Annotated[int, typer.Option("--limit", help="Rows shown at most.", min=1)] = 1000,
    personal_data: Annotated[
        bool, typer.Option("--personal-data", help="Allow tables that hold personal data; the read is put on record.")
    ] = False,
) -> None:
    """Run one query in a read-only transaction and print its rows."""
    from retention.cli._query import run_query

    if database not in {"warehouse", "marketing"}:
        raise typer.BadParameter("warehouse or marketing", param_hint="--database")
    if form not in {"table", "csv", "json"}:
        raise typer.BadParameter("table, csv or json", param_hint="--format")
    if source != "-" and not Path(source).is_file():
        raise typer.BadParameter(f"no file {source}; write - to read the query from standard input", param_hint="FILE")
    text = sys.stdin.read() if source == "-" else Path(source).read_text(encoding="utf-8")
    result = run_query(database, text, timeout_s=timeout, limit=limit, personal_data=personal_data, actor=getpass.getuser())
    if form == "csv":
        write_csv(sys.stdout, result.columns, result.numeric, result.rows)
    elif form == "json":
        records = [dict(zip(result.columns, row, strict=True)) for row in result.rows]
        sys.stdout.write(json.dumps(records, ensure_ascii=False, default=str) + "\n")
    else:
        out = console()
        table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, header_style="bold")
        for name, is_number in zip(result.columns, result.numeric, strict=True):
            table.add_column(name, justify="right" if is_number else "left", overflow="fold")
        for row in result.rows:
            table.add_row(*(Text("" if value is None else str(value)) for value in row))
        out.print(table)
        more = ", more were left out: raise --limit" if result.has_more else ""
        out.print(f"[dim]{len(result.rows):,} rows{more}[/]")
    if result.has_more and form != "table":
        console(stderr=True).print(f"only the first {limit:,} rows: raise --limit")


@sample_app.command("release")
def sample_release(
    through: Annotated[str | None, typer.Option("--through", help="Release all held-back days up to this one.")] = None,
) -> None:
    """Give the sample company's source systems further days."""
    from retention import samples

    settings = load_settings()
    day = parse_date(through, "--through") or now_in(settings).date()
    console().print(Text(json.dumps(samples.release(day), default=str, ensure_ascii=False)))


@sample_app.command("create")
def sample_create(size: Annotated[str, typer.Option(help="full or small.")] = "full") -> None:
    """Make the sample company's source systems (as `retention init --sample` does)."""
    from retention.cli.setup import make_sample

    Deployment.from_env()
    make_sample(console(), size)
