"""Commands around the data themselves: sql, quarantine, sample."""

from __future__ import annotations

import getpass
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich import box
from rich.table import Table
from rich.text import Text

from retention.cli._shared import closed_day, console, mask, now_in, open_databases, parse_date, run_factory
from retention.exports import write_csv
from retention.settings import Deployment, load_settings

if TYPE_CHECKING:
    from retention.warehouse import Run

quarantine_app = typer.Typer(help="Rows that a check refused: list, show, replay.", no_args_is_help=True)
sample_app = typer.Typer(help="The sample company.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command()(sql)
    app.add_typer(quarantine_app, name="quarantine")
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


@quarantine_app.command("list")
def quarantine_list(
    source: Annotated[str | None, typer.Option(help="Only this source.")] = None,
    entity: Annotated[str | None, typer.Option(help="Only this entity.")] = None,
    date: Annotated[str | None, typer.Option("--date", help="Only this business day.")] = None,
    state: Annotated[str, typer.Option(help="open, fixed, replayed, discarded or all.")] = "open",
    limit: Annotated[int, typer.Option(min=1)] = 100,
) -> None:
    """List refused rows: where each stood, which rule refused it. No value is shown."""
    from retention.report import Section, print_section, rows
    from retention.warehouse import sql_file

    warehouse, _ = open_databases()
    found = rows(
        warehouse,
        sql_file("_report/quarantine_rows"),
        {"source": source, "entity": entity, "business_date": parse_date(date), "state": state, "row_limit": limit},
    )
    columns = [("id", "right"), ("day", "left"), ("where", "left"), ("column", "left"), ("rule", "left"), ("reason", "left")]
    print_section(
        console(),
        Section(
            "Refused rows", "隔离数据", columns,
            [
                [
                    str(r["quarantine_id"]), str(r["business_date"]), _where(r), r["column_name"] or "", r["rule"], r["reason"],
                ]
                for r in found
            ],
            note="retention quarantine show ID · repair at the source, or mark as fixed, then retention quarantine replay",
            empty="no refused row matches",
        ),
    )  # fmt: skip


def _where(row: dict[str, Any]) -> str:
    place = f"{row['file']} line {row['position']}" if row["file"] else f"row {row['position']}"
    return f"{row['source']}.{row['entity']} {place}"


@quarantine_app.command("show")
def quarantine_show(identifier: Annotated[int, typer.Argument(metavar="ID")]) -> None:
    """Show one refused row with every value masked: letters as x, digits as 9."""
    from retention.report import rows
    from retention.warehouse import RetentionError, sql_file

    warehouse, _ = open_databases()
    found = rows(warehouse, sql_file("_report/quarantine_row"), {"quarantine_id": identifier})
    if not found:
        raise RetentionError(f"quarantine.row has no row {identifier}.", runbook="quarantine")
    row = found[0]
    out = console()
    out.print(Text(f"{_where(row)}, batch {row['batch_id']}, business day {row['business_date']}, state {row['state']}"))
    out.print(Text(f"refused by {', '.join(row['rules'])}: {row['reason']}"))
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    table.add_column("column")
    table.add_column("value, masked", overflow="fold")
    for name, value in row["row"].items():
        table.add_row(name, Text(mask(value)))
    out.print(table)


@quarantine_app.command("fix")
def quarantine_fix(
    identifier: Annotated[int, typer.Argument(metavar="ID")],
    values: Annotated[list[str], typer.Argument(metavar="COLUMN=VALUE…", help="COLUMN= clears the value.")],
) -> None:
    """Repair values of one refused row; `replay` then lands it again."""
    from retention import quality

    changes: dict[str, str | None] = {}
    for pair in values:
        column, separator, value = pair.partition("=")
        if not separator:
            raise typer.BadParameter("write COLUMN=VALUE", param_hint="COLUMN=VALUE")
        changes[column] = value or None
    with opened_run("quarantine fix", None) as run:
        quality.repair(run, identifier, changes)
    console().print(f"row {identifier} repaired: retention quarantine replay --only-fixed")


@quarantine_app.command("discard")
def quarantine_discard(identifiers: Annotated[list[int], typer.Argument(metavar="ID…")]) -> None:
    """Mark refused rows as never to be replayed."""
    from retention import quality

    with opened_run("quarantine discard", None) as run:
        console().print(f"{quality.discard(run, identifiers)} rows discarded")


@quarantine_app.command("replay")
def quarantine_replay(
    date: Annotated[str | None, typer.Option("--date", help="Business day that the rows join; default yesterday.")] = None,
    source: Annotated[str | None, typer.Option(help="Only this source.")] = None,
    entity: Annotated[str | None, typer.Option(help="Only this entity.")] = None,
    rule: Annotated[str | None, typer.Option(help="Only rows refused by this rule.")] = None,
    only_fixed: Annotated[bool, typer.Option("--only-fixed", help="Leave rows alone that nobody repaired.")] = False,
) -> None:
    """Land refused rows again, validate them like any others and publish what passes."""
    from retention import pipeline, quality

    out = console()
    with opened_run("quarantine replay", date) as run:
        landed = quality.replay(run, source=source, entity=entity, rule=rule, only_fixed=only_fixed)
        for name, rows in landed.items():
            out.print(Text(f"{name}: {rows} rows landed again"))
        if not landed:
            out.print("no refused row matches")
            return
    with opened_run("validate", date) as run:
        out.print(Text(f"validated: {json.dumps(pipeline.validate(run), default=str)}"))
    with opened_run("publish core", date) as run:
        out.print(Text(f"published: {json.dumps(pipeline.publish_core(run), default=str)}"))
    out.print("features, scores and audiences follow with the next run of the day: retention run --date …")


@contextmanager
def opened_run(step: str, day: str | None) -> Iterator[Run]:
    """Open a run of a business day, by default the newest closed one, and close its connections afterwards."""
    from retention.pipeline import close

    run = run_factory(closed_day(day))(step)
    try:
        yield run
    finally:
        close(run)


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
