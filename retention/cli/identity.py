"""Commands about who is who: identity show, review, accept, reject, merge, split, undo, train."""

from __future__ import annotations

import getpass
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any
from zoneinfo import ZoneInfo

import typer
from rich.text import Text

from retention.cli._shared import closed_day, console, mask, open_databases, run_factory
from retention.settings import load_settings

if TYPE_CHECKING:
    from rich.console import Console
    from sqlalchemy.engine import Connection

identity_app = typer.Typer(help="Which customer numbers are one person: see, decide, undo.", no_args_is_help=True)

_KEYS = {"ignore_unknown_options": True}  # keys are signed: -5 is a key, not an option

Reason = Annotated[str, typer.Option("--reason", help="Why; kept for good.")]
Pair = Annotated[list[int], typer.Argument(metavar="LEFT RIGHT", help="The two keys, as `identity review` lists them.")]


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.add_typer(identity_app, name="identity")


@identity_app.command("show", context_settings=_KEYS)
def identity_show(
    key: Annotated[int | None, typer.Argument(metavar="[KEY]", help="Key of the person or of a source customer.")] = None,
    source: Annotated[str | None, typer.Option("--source", help="Source system that knows the person, e.g. crm.")] = None,
    customer_id: Annotated[str | None, typer.Option("--customer-id", help="The person's number in that source.")] = None,
) -> None:
    """Show a person: source customers, what links them with which weight, what happened. Values are masked."""
    from retention.report import Section, print_section, rows
    from retention.warehouse import sql_file

    warehouse, _ = open_databases()
    person = _person(warehouse, key, source, customer_id)
    out = console()
    members = rows(warehouse, sql_file("_report/identity_members"), {"person": person})
    print_section(
        out,
        Section(
            f"Person {person}", "客户", _columns("source customer", "number", "name", "e-mail", "phone", "born", "linked by"),
            [
                [
                    str(r["source_customer_key"]), f"{r['source']}:{r['customer_id']}", mask(r["name"]), mask(r["email"]),
                    mask(r["phone"]), mask(r["birth_date"]), r["rule"],
                ]
                for r in members
            ],
        ),
    )  # fmt: skip
    # Lines and no tables: three keys of twenty characters side by side would leave no room for words.
    _heading(out, "Pairs", "关联依据")
    pairs = rows(warehouse, sql_file("_report/identity_pairs"), {"person": person})
    for r in pairs:
        force = "in force" if r["is_in_force"] else "not in force"
        chance = f"weight {r['match_weight']:.1f}, probability {r['match_probability']:.4f}"
        out.print(Text(f"  {r['left_key']} {r['right_key']}  {r['state']} by {r['rule']}, {force}"))
        out.print(Text(f"    {chance}; {evidence(r['levels'])}"))
    if not pairs:
        out.print("[dim]  no pair: nothing links this source customer to another one[/]")
    _heading(out, "History", "变更记录")
    history = rows(warehouse, sql_file("_report/identity_history"), {"person": person})
    zone = ZoneInfo(load_settings().company.business_timezone)
    for r in history:
        at = f"{r['happened_at'].astimezone(zone):%Y-%m-%d %H:%M}"
        if r["what"] == "moved":
            out.print(Text(f"  {at}  {r['source_customer_key']} moved, by {r['rule']}"))
            out.print(Text(f"    from {r['old_customer_key']} to {r['customer_key']}"))
        else:
            out.print(Text(f"  {at}  {r['what']}"))
            out.print(Text(f"    {r['source_customer_key']} {r['customer_key']}; {r['reason']}"))
    if not history:
        out.print("[dim]  nothing changed since the first link[/]")


def _heading(out: Console, title: str, title_zh: str) -> None:
    out.print()
    out.print(Text.assemble((title, "bold"), "  ", (title_zh, "dim")))


@identity_app.command("review")
def identity_review(limit: Annotated[int, typer.Option("--limit", help="Pairs shown at most.", min=1)] = 20) -> None:
    """List pairs that may be one person, the likeliest first. Values are masked; equal letters do not mean equal values."""
    from retention.report import rows
    from retention.warehouse import sql_file

    warehouse, _ = open_databases()
    found = rows(warehouse, sql_file("_report/identity_review"), {"row_limit": limit})
    out = console()
    for r in found:
        out.print(
            Text(f"{r['left_key']} {r['right_key']}  probability {r['match_probability']:.4f}, weight {r['match_weight']:.1f}")
        )
        for side in ("left", "right"):
            values = [mask(r[f"{side}_{name}"]) for name in ("name", "email", "phone", "birth_date")]
            out.print(Text(f"  {r[f'{side}_source']}:{r[f'{side}_id']}  {'  '.join(value for value in values if value)}"))
        out.print(Text(f"  {evidence(r['levels'])}\n"))
    total = found[0]["count_open"] if found else 0
    out.print(
        f"{total:,} pairs wait · retention identity accept LEFT RIGHT --reason … · "
        "retention identity reject LEFT RIGHT --reason …"
    )


@identity_app.command("accept", context_settings=_KEYS)
def identity_accept(pair: Pair, reason: Reason) -> None:
    """Decide that a pair is one person."""
    _decide_pair(pair, "same", reason)


@identity_app.command("reject", context_settings=_KEYS)
def identity_reject(pair: Pair, reason: Reason) -> None:
    """Decide that a pair is two people."""
    _decide_pair(pair, "different", reason)


@identity_app.command("merge", context_settings=_KEYS)
def identity_merge(
    keys: Annotated[list[int], typer.Argument(metavar="KEY KEY…", help="Keys of people.")], reason: Reason
) -> None:
    """Decide that people are one, whatever the rules say; facts follow at once."""
    from retention.identity import decisions

    _apply("identity merge", lambda connection: decisions.merge(connection, keys, getpass.getuser(), reason))


@identity_app.command("split", context_settings=_KEYS)
def identity_split(
    keys: Annotated[list[int], typer.Argument(metavar="KEY…", help="Source customers who are somebody else.")], reason: Reason
) -> None:
    """Decide that source customers are not the person they belong to; facts follow at once."""
    from retention.identity import decisions

    _apply("identity split", lambda connection: decisions.split(connection, keys, getpass.getuser(), reason))


@identity_app.command("undo")
def identity_undo(
    change: Annotated[int, typer.Argument(metavar="DECISION", help="Number of the decision, from `identity show`.")],
) -> None:
    """Undo a decision: the rules hold again for its pairs; facts follow at once."""
    from retention.identity import decisions

    _apply("identity undo", lambda connection: decisions.undo(connection, change, getpass.getuser()))


@identity_app.command("train")
def identity_train(
    activate: Annotated[bool, typer.Option("--activate", help="Let the model link, and link everybody anew.")] = False,
    shipped: Annotated[bool, typer.Option("--shipped", help="Go back to the model that comes with the product.")] = False,
) -> None:
    """Train the linkage model on the customers of this warehouse; --activate puts it in force."""
    from retention.conform.relink import everybody
    from retention.identity import registry

    if shipped:
        _apply(
            "identity train", lambda connection: everybody(connection) if registry.retire(connection, getpass.getuser()) else []
        )
        return
    from retention.identity.training import train

    warehouse, _ = open_databases()
    with warehouse.begin() as connection:
        records = registry.training_records(connection)
    model = train(records, "the customers of this warehouse")
    out = console()
    out.print(
        Text(f"{model.version}: trained on {len(records):,} source customers, links from probability {model.link_probability}")
    )
    if activate:
        _apply(
            "identity train",
            lambda connection: everybody(connection) if registry.promote(connection, model, getpass.getuser()) else [],
        )
    else:
        out.print("not in force: retention identity train --activate links everybody anew with it")


def evidence(levels: str) -> str:
    """Write levels of comparison in words, leaving out what is unknown."""
    from retention.identity.comparisons import level_names

    parts = [pair.partition("=") for pair in levels.split()]
    return "; ".join(f"{name}: {level_names(name)[int(level)]}" for name, _, level in parts if int(level) >= 0)


def _columns(*names: str) -> list[tuple[str, Any]]:
    return [(name, "left") for name in names]


def _person(warehouse: Any, key: int | None, source: str | None, customer_id: str | None) -> int:
    from retention.identity.decisions import DecisionRefused
    from retention.report import rows

    if (key is None) == (source is None or customer_id is None):
        raise typer.BadParameter("give a KEY, or --source and --customer-id", param_hint="KEY")
    found = rows(
        warehouse,
        "select known.customer_key from pii.source_customer as known where known.source_customer_key = :key "
        "or (known.source = :source and known.customer_id = :customer_id)",
        {"key": key, "source": source, "customer_id": customer_id},
    )
    if not found:
        raise DecisionRefused("identity: no source customer and no person is known by that key or number.")
    return int(found[0]["customer_key"])


def _decide_pair(pair: list[int], verdict: Any, reason: str) -> None:
    from retention.identity import decisions

    if len(pair) != 2:
        raise typer.BadParameter("two keys", param_hint="LEFT RIGHT")
    left, right = pair
    _apply(
        "identity decision",
        lambda connection: decisions.decide_pair(connection, left, right, verdict, getpass.getuser(), reason),
    )


def _apply(step: str, change: Callable[[Connection], list[int]]) -> None:
    """Carry out a change of who is who and print what followed."""
    from retention import pipeline
    from retention.conform.relink import relink

    run = run_factory(closed_day(None))(step)
    try:
        report = relink(run, change)
    finally:
        pipeline.close(run)
    console().print(
        f"{report['members']:,} source customers looked at, {report['moved']:,} moved to another person, "
        f"{report['people']:,} people put together anew"
    )
