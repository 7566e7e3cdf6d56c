"""Commands around refused rows: list, show, fix, replay, discard, reconcile."""

from __future__ import annotations

import getpass
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich import box
from rich.table import Table
from rich.text import Text

from retention.cli._shared import STOPPED, closed_day, console, mask, open_databases, parse_date, run_factory

if TYPE_CHECKING:
    from retention.warehouse import Run

quarantine_app = typer.Typer(help="Rows that a check refused: list, show, repair, replay.", no_args_is_help=True)

SourceOption = Annotated[str | None, typer.Option("--source", help="Only this source.")]
EntityOption = Annotated[str | None, typer.Option("--entity", help="Only this entity.")]
RuleOption = Annotated[str | None, typer.Option("--rule", help="Only rows refused by this rule, e.g. in_set.")]
ColumnOption = Annotated[str | None, typer.Option("--column", help="Only rows refused for this column.")]


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.add_typer(quarantine_app, name="quarantine")


@quarantine_app.command("list")
def list_rows(
    source: SourceOption = None,
    entity: EntityOption = None,
    date: Annotated[str | None, typer.Option("--date", help="Only this business day.")] = None,
    state: Annotated[str, typer.Option(help="open, fixed, replayed, superseded, discarded or all.")] = "open",
    limit: Annotated[int, typer.Option(min=1)] = 100,
    summary: Annotated[bool, typer.Option("--summary", help="Counts by rule instead of rows, in every state.")] = False,
) -> None:
    """List refused rows: where each stood, which rule refused it. No value is shown."""
    from retention.report import Section, print_section, rows
    from retention.warehouse import sql_file

    warehouse, _ = open_databases()
    binds = {"source": source, "entity": entity, "business_date": parse_date(date)}
    if summary:
        found = rows(warehouse, sql_file("_report/quarantine_summary"), binds)
        states = ("open", "fixed", "replayed", "closed")
        section = Section(
            "Refused rows by rule",
            "隔离数据（按规则）",
            [("source.entity", "left"), ("rule", "left"), *((name, "right") for name in states), ("last seen", "left")],
            [
                [
                    f"{r['source']}.{r['entity']}", r["label"], *(f"{r[f'{name}_rows']:,}" for name in states),
                    f"{r['last_seen_at']:%Y-%m-%d}",
                ]
                for r in found
            ],
            note="a row that breaks two rules stands in both lines; closed: superseded by a valid row, or discarded",
            empty="no row was ever refused",
        )  # fmt: skip
        print_section(console(), section)
        return
    found = rows(warehouse, sql_file("_report/quarantine_rows"), {**binds, "state": state, "row_limit": limit})
    columns = [("id", "right"), ("day", "left"), ("where", "left"), ("column", "left"), ("rule", "left"), ("reason", "left")]
    section = Section(
        "Refused rows",
        "隔离数据",
        columns,
        [
            [str(r["quarantine_id"]), str(r["business_date"]), _where(r), r["column_name"] or "", r["rule"], r["reason"]]
            for r in found
        ],
        note="retention quarantine show ID · repair at the source, or mark as fixed, then retention quarantine replay",
        empty="no refused row matches",
    )
    print_section(console(), section)


def _where(row: dict[str, Any]) -> str:
    place = f"{row['file']} line {row['position']}" if row["file"] else f"row {row['position']}"
    return f"{row['source']}.{row['entity']} {place}"


@quarantine_app.command("show")
def show(
    identifier: Annotated[int, typer.Argument(metavar="ID")],
    personal_data: Annotated[
        bool, typer.Option("--personal-data", help="Show the values themselves; the read is put on record.")
    ] = False,
) -> None:
    """Show one refused row with every value masked: letters as x, digits as 9."""
    from retention.cli._query import record_read
    from retention.report import rows
    from retention.warehouse import RetentionError, sql_file

    warehouse, _ = open_databases()
    found = rows(warehouse, sql_file("_report/quarantine_row"), {"quarantine_id": identifier})
    if not found:
        raise RetentionError(f"quarantine.row has no row {identifier}.", runbook="quarantine")
    row = found[0]
    if personal_data:
        record_read(getpass.getuser(), "warehouse", [f"quarantine.row {identifier}"])
    out = console()
    out.print(Text(f"{_where(row)}, batch {row['batch_id']}, business day {row['business_date']}, state {row['state']}"))
    out.print(Text(f"refused by {', '.join(row['rules'])}: {row['reason']}"))
    if row["times_seen"] > 1:
        out.print(Text(f"delivered {row['times_seen']:,} times, last on {row['last_seen_at']:%Y-%m-%d %H:%M %Z}"))
    if row["replayed_in"]:
        out.print(Text(f"landed again in batch {row['replayed_in']}: {row['outcome'] or 'waiting for validation'}"))
    if row["first_quarantine_id"]:
        out.print(Text(f"first refused as row {row['first_quarantine_id']}"))
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    table.add_column("column")
    table.add_column("value" if personal_data else "value, masked", overflow="fold")
    for name, value in row["row"].items():
        table.add_row(name, Text(("" if value is None else str(value)) if personal_data else mask(value)))
    out.print(table)


@quarantine_app.command("fix")
def fix(
    words: Annotated[
        list[str],
        typer.Argument(
            metavar="ID COLUMN=VALUE… | OLD=NEW…",
            help="One row by number: COLUMN= clears the value. Or, with --column, every row: OLD=NEW, *=NEW for all others.",
        ),
    ],
    source: SourceOption = None,
    entity: EntityOption = None,
    rule: RuleOption = None,
    column: Annotated[str | None, typer.Option("--column", help="Repair this column of every row chosen.")] = None,
) -> None:
    """Repair values of refused rows, one by number or all that broke one rule; `replay` then lands them again."""
    from retention import quality

    if column is not None:
        mapping = _pairs(words)
        with opened_run("quarantine fix", None) as run:
            chosen = quality.Selection(source=source, entity=entity, rule=rule, column=column if rule else None)
            repaired = quality.repair_all(run, chosen, column, mapping)
        for name, rows in repaired.items():
            console().print(Text(f"{name}: {rows:,} rows repaired"))
        console().print("retention quarantine replay --only-fixed" if repaired else "no refused row matches")
        return
    if not words[0].isdigit() or len(words) < 2:
        raise typer.BadParameter("write ID COLUMN=VALUE…, or name --column for many rows", param_hint="ID COLUMN=VALUE…")
    if source or entity or rule:
        raise typer.BadParameter("one row is chosen by its number alone", param_hint="--source, --entity, --rule")
    changes = _pairs(words[1:])
    with opened_run("quarantine fix", None) as run:
        quality.repair(run, int(words[0]), changes)
    console().print(f"row {words[0]} repaired: retention quarantine replay --only-fixed")


def _pairs(words: list[str]) -> dict[str, str | None]:
    changes: dict[str, str | None] = {}
    for pair in words:
        name, separator, value = pair.partition("=")
        if not separator:
            raise typer.BadParameter("write NAME=VALUE", param_hint="NAME=VALUE")
        changes[name] = value or None
    return changes


@quarantine_app.command("discard")
def discard(identifiers: Annotated[list[int], typer.Argument(metavar="ID…")]) -> None:
    """Mark refused rows as never to be replayed."""
    from retention import quality

    with opened_run("quarantine discard", None) as run:
        console().print(f"{quality.discard(run, identifiers)} rows discarded")


@quarantine_app.command("replay")
def replay(
    identifiers: Annotated[list[int] | None, typer.Argument(metavar="[ID…]", help="Only these rows.")] = None,
    date: Annotated[str | None, typer.Option("--date", help="Business day that the rows join; default yesterday.")] = None,
    source: SourceOption = None,
    entity: EntityOption = None,
    rule: RuleOption = None,
    column: ColumnOption = None,
    only_fixed: Annotated[bool, typer.Option("--only-fixed", help="Leave rows alone that nobody repaired.")] = False,
    limit: Annotated[int, typer.Option(min=1, help="Rows whose outcome is listed.")] = 50,
) -> None:
    """Land refused rows again, validate them like any others and publish what passes."""
    from retention import pipeline, quality

    out = console()
    with opened_run("quarantine replay", date) as run:
        landed = quality.replay(
            run, source=source, entity=entity, rule=rule, column=column, only_fixed=only_fixed, ids=identifiers or None
        )
        for name, rows in landed.items():
            out.print(Text(f"{name}: {rows} rows landed again"))
        if not landed:
            out.print("no refused row matches")
            return
        pipeline.validate(run)
        pipeline.publish_core(run)
        with run.warehouse.connect() as connection:
            found = quality.outcomes(connection, run)
    counts = {kind: sum(o.outcome == kind for o in found) for kind in ("valid", "refused", "left_out", "waiting")}
    out.print(Text(f"{counts['valid']:,} valid, {counts['refused']:,} refused again, {counts['left_out']:,} known already"))
    for outcome in [o for o in found if o.outcome != "valid"][:limit]:
        again = f" as row {outcome.again}: {', '.join(outcome.rules)}" if outcome.again else ""
        out.print(Text(f"  row {outcome.quarantine_id} ({outcome.where}) {outcome.outcome}{again}"))
    out.print("features, scores and audiences follow with the next run of the day: retention run --date …")


@quarantine_app.command("reconcile")
def reconcile(
    since: Annotated[str | None, typer.Option("--since", help="Only batches of this business day and later.")] = None,
) -> None:
    """Account for every row ever delivered, and compare the counts with the rows that are there."""
    from retention import quality
    from retention.report import Section, print_section

    with opened_run("quarantine reconcile", None) as run:
        found = quality.reconcile(run, parse_date(since, "--since"))
    names = ("extracted", "valid", "waiting", "replayed", "closed", "duplicate", "erased")
    section = Section(
        "Every row accounted for",
        "对账",
        [("source.entity", "left"), *((name, "right") for name in names)],
        [[f"{r.source}.{r.entity}", *(f"{getattr(r, name):,}" for name in names)] for r in found],
        note="extracted = valid + waiting + replayed + closed + duplicate + erased; closed: superseded, discarded or expired",
        empty="no batch was validated yet",
    )
    print_section(console(), section)
    problems = [problem for r in found for problem in r.problems]
    for problem in problems:
        console(stderr=True).print(Text(problem))
    if problems:
        console(stderr=True).print("See docs/runbook.md#reconciliation")
        raise typer.Exit(STOPPED)


@contextmanager
def opened_run(step: str, day: str | None) -> Iterator[Run]:
    """Open a run of a business day, by default the newest closed one, and close its connections afterwards."""
    from retention.pipeline import close

    run = run_factory(closed_day(day))(step)
    try:
        yield run
    finally:
        close(run)
