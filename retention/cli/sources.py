"""Commands around sources: list, check, preview, accept."""

from __future__ import annotations

import difflib
import getpass
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.text import Text

from retention.cli._shared import STOPPED, console, now_in, open_databases
from retention.deployment import Deployment
from retention.settings import load_settings

if TYPE_CHECKING:
    from retention.sources import EntitySpec, SourceSpec

source_app = typer.Typer(
    help="Source systems: what is described, what they hold, how rows would be conformed.", no_args_is_help=True
)

Name = Annotated[str, typer.Argument(metavar="NAME", help="Source, as its description names it.")]
Entity = Annotated[str, typer.Argument(metavar="ENTITY", help="Entity, e.g. customer.")]
Form = Annotated[str, typer.Option("--format", help="table or json.")]


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.add_typer(source_app, name="source")


@source_app.command("list")
def source_list(form: Form = "table") -> None:
    """List what is described, and how far each entity has come. 数据源一览"""
    from retention.report import Section, number, print_section, rows
    from retention.sources import load_specs
    from retention.warehouse import sql_file

    _known_form(form)
    deployment = Deployment.from_env()
    specs = load_specs(deployment.sources_dir)
    warehouse, _ = open_databases()
    known = {(row["source"], row["entity"]): row for row in rows(warehouse, sql_file("_report/sources"))}
    today = now_in(load_settings()).date()
    found = []
    out = console()
    for spec in specs:
        lines = []
        address = bool(deployment.source_urls.get(spec.connection))
        for entity in spec.entities.values():
            row = known.get((spec.source, entity.entity), {})
            until = row.get("published_until")
            behind = None if until is None else (today - until).days - 1
            found.append(
                {
                    "source": spec.source,
                    "entity": entity.entity,
                    "kind": spec.kind,
                    "where": entity.where,
                    "mode": entity.mode,
                    "has_address": address,
                    "last_batch": row.get("business_date"),
                    "state": row.get("state"),
                    "rows": row.get("rows_extracted"),
                    "published_until": until,
                    "days_behind": behind,
                }
            )
            lines.append(
                [
                    entity.entity,
                    _short(entity.where),
                    entity.mode,
                    f"{row['business_date']} {row['state']}" if row else "none yet",
                    number(row["rows_extracted"]) if row else "",
                    "never" if until is None else _until(str(until), behind or 0),
                ]
            )
        if form == "table":
            columns = [
                ("entity", "left"), ("read from", "left"), ("mode", "left"), ("last batch", "left"), ("rows", "right"),
                ("published until", "left"),
            ]  # fmt: skip
            title = f"{spec.source} ({spec.kind}){'' if address else f': RETENTION_SOURCE_{spec.connection}_URL is not set'}"
            print_section(out, Section(title, "数据源", columns, lines))
    if form == "json":
        _print_json(found)
    else:
        out.print("\n[dim]retention source check NAME · retention source preview NAME ENTITY[/]")


def _until(day: str, behind: int) -> str:
    return day if behind <= 0 else f"{day}, {behind} day{'' if behind == 1 else 's'} behind"


@source_app.command("check")
def source_check(
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="A source that is described.")] = None,
    entity: Annotated[str | None, typer.Option("--entity", help="Only this entity; with --url: what the table holds.")] = None,
    rows: Annotated[int, typer.Option("--rows", help="Rows read of each entity at most.", min=1, max=100_000)] = 500,
    url: Annotated[
        str | None, typer.Option("--url", help="Address of a system nobody has described: a mapping is proposed.")
    ] = None,
    table: Annotated[str | None, typer.Option("--table", help="Only this table of the database.")] = None,
    path: Annotated[str | None, typer.Option("--path", help="Only files that match, e.g. 'orders_{date}.csv'.")] = None,
    source: Annotated[str, typer.Option("--source", help="Name for the new source.")] = "new_source",
    save: Annotated[Path | None, typer.Option("--save", help="Write the proposed description into this file.")] = None,
    timeout: Annotated[int, typer.Option("--timeout", help="Seconds a database may take for one question.", min=1)] = 20,
    form: Form = "table",
) -> None:
    """Look at a source: its columns, keys and freshness, and what today's rules would refuse. 检查数据源

    Reads the first rows only, and writes nothing. Exit code 3 when the next run would stop.
    """
    from retention.cli._check import check_source
    from retention.cli._propose import propose_source

    _known_form(form)
    if (name is None) == (url is None):
        raise typer.BadParameter("name a described source, or give the --url of one that is not", param_hint="NAME")
    out = console()
    if url is not None:
        propose_source(out, url, rows, source, table=table, path=path, entity=entity, save=save, timeout_s=timeout, form=form)
        return
    spec = _spec(str(name))
    if entity is not None:
        _entity(spec, entity)
    if not check_source(out, spec, [entity] if entity else list(spec.entities), rows, timeout, form):
        raise typer.Exit(STOPPED)


@source_app.command("preview")
def source_preview(
    name: Name,
    entity: Entity,
    rows: Annotated[int, typer.Option("--rows", help="Rows shown.", min=1, max=1000)] = 10,
    timeout: Annotated[int, typer.Option("--timeout", help="Seconds a database may take for one question.", min=1)] = 20,
    form: Form = "table",
) -> None:
    """Show the first rows as they would be conformed, personal values masked. Nothing is written. 预览"""
    from retention.cli._judge import judge_if_possible
    from retention.cli._look import line, preview_sections, shown
    from retention.report import print_section
    from retention.sources.preview import conform_sample
    from retention.sources.read import source_url
    from retention.sources.spec import canonical_columns

    _known_form(form)
    spec = _spec(name)
    described = _entity(spec, entity)
    settings = load_settings()
    conformed = conform_sample(spec, described, source_url(spec), rows, now_in(settings), timeout)
    verdicts = judge_if_possible(spec, entity, conformed.rows, settings)
    names = canonical_columns(entity)
    refused = verdicts.refused if verdicts else [()] * len(conformed.rows)
    known = verdicts.known if verdicts else [None] * len(conformed.rows)
    if form == "json":
        _print_json(
            [
                {
                    "position": row["position"],
                    "customer_known": is_known,
                    "refused_by": list(rules),
                    "row": {
                        column: shown(described, column, row[column]) if row[column] is not None else None for column in names
                    },
                }
                for row, rules, is_known in zip(conformed.rows, refused, known, strict=True)
            ]
        )
        return
    out = console()
    where = f"  {conformed.sample.where}, first {len(conformed.rows)} rows, as conformed"
    out.print(line((f"{spec.source} {entity}", "bold"), where))
    if conformed.missing:
        out.print(line(("missing: ", "red"), f"{', '.join(conformed.missing)}; {conformed.missing_hint}"))
    heads = [f"row {row['position']}" for row in conformed.rows]
    for section in preview_sections(described, names, conformed.rows, heads):
        print_section(out, section)
    out.print()
    judged = list(zip(conformed.rows, refused, known, strict=True)) if verdicts else []
    for row, rules, is_known in judged:
        customer = "" if is_known is None else "customer known" if is_known else "customer not known yet"
        if rules:
            out.print(line(f"row {row['position']}: ", (f"would be set aside by {', '.join(rules)}", "red"), f"  {customer}"))
        elif is_known is not None:
            out.print(line(f"row {row['position']}: would pass  ", (customer, "dim")))
        else:
            out.print(line(f"row {row['position']}: would pass"))
    if verdicts is None:
        out.print("[dim]the warehouse does not answer, so no rule was applied: retention init[/]")
    empty = [column for column in names if all(row[column] is None for row in conformed.rows)]
    out.print(Text(f"empty throughout: {', '.join(empty) or 'none'}", style="dim"))
    out.print("[dim]letters are shown as x and 某, digits as 9; nothing was written[/]")


@source_app.command("accept")
def source_accept(name: Name, entity: Entity) -> None:
    """Accept that columns of an entity have changed their type: its next delivery is taken as it comes. 接受字段变更"""
    from retention.sources.columns import accept

    spec = _spec(name)
    _entity(spec, entity)
    warehouse, _ = open_databases()
    columns = accept(warehouse, name, entity, getpass.getuser())
    console().print(
        Text(f"{name} {entity}: what was stored of {columns} columns is set aside; run the day again, and the delivery becomes "
             "what later ones are compared with")
    )  # fmt: skip


def _spec(name: str) -> SourceSpec:
    """Return a description by name."""
    from retention.sources import SpecError, load_specs

    specs = {spec.source: spec for spec in load_specs(Deployment.from_env().sources_dir)}
    if name not in specs:
        nearest = difflib.get_close_matches(name, list(specs), n=1)
        meant = f"did you mean {nearest[0]}?" if nearest else f"described are {', '.join(specs)}."
        raise SpecError(f"no source {name} is described; {meant}")
    return specs[name]


def _entity(spec: SourceSpec, name: str) -> EntitySpec:
    from retention.sources import SpecError

    if name not in spec.entities:
        raise SpecError(f"{spec.file.name} describes no entity {name}; it has {', '.join(spec.entities)}.")
    return spec.entities[name]


def _known_form(form: str) -> None:
    if form not in {"table", "json"}:
        raise typer.BadParameter("table or json", param_hint="--format")


def _print_json(value: Any) -> None:
    sys.stdout.write(json.dumps(value, ensure_ascii=False, default=str, indent=2) + "\n")


def _short(text: str) -> str:
    return text if len(text) <= 24 else f"{text[:23]}…"
