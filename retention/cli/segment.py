"""Commands about segments: segment what-if, stability, history, tags."""

from __future__ import annotations

import tomllib
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.text import Text

from retention.cli._shared import console, open_databases, parse_date
from retention.settings import Settings, SettingsError, load_settings, override_settings

if TYPE_CHECKING:
    from retention.warehouse import Warehouse

segment_app = typer.Typer(help="Segments: what a changed threshold would move, how steady they are, why.", no_args_is_help=True)

_KEYS = {"ignore_unknown_options": True}  # keys are signed: -5 is a key, not an option
Day = Annotated[str | None, typer.Option("--as-of", help="As-of date; default the newest published one.")]
Customer = Annotated[
    str | None, typer.Argument(metavar="[CUSTOMER]", help="Key of the customer, or SOURCE:NUMBER, e.g. crm:1042.")
]
Source = Annotated[str | None, typer.Option("--source", help="With --customer-id: the source that numbers the customer.")]
Number = Annotated[str | None, typer.Option("--customer-id", help="The customer's number there.")]


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.add_typer(segment_app, name="segment")


@segment_app.command("what-if")
def segment_what_if(
    changed: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="GROUP.NAME=VALUE", help="A changed number, e.g. value.potential_value_quantile=0.75."),
    ] = None,
    settings_file: Annotated[Path | None, typer.Option("--settings", help="A proposed retention.toml.")] = None,
    rules: Annotated[
        Path | None, typer.Option("--rules", help="Folder with proposed rfm_cells.csv, service_tiers.csv.")
    ] = None,
    as_of: Day = None,
    markdown: Annotated[Path | None, typer.Option("--markdown", help="Write it there too, for the review of a change.")] = None,
) -> None:
    """Show whom changed thresholds would move, with what they bring and cost. Writes nothing to any database."""
    from retention.cli._segment import what_if_markdown, what_if_section, what_if_summary
    from retention.report import print_section
    from retention.segments.what_if import changes, what_if

    present = load_settings()
    proposed = _proposed(load_settings(settings_file) if settings_file else present, changed or [])
    if rules is not None and not rules.is_dir():
        raise typer.BadParameter(f"{rules} is no folder", param_hint="--rules")
    if not changes(present, proposed, rules):
        raise typer.BadParameter("nothing is changed; name what with --set, --settings or --rules", param_hint="--set")
    warehouse, _ = open_databases()
    found = what_if(warehouse, _date(warehouse, as_of), present, proposed, rules)
    out, company = console(), present.company
    for change in found.changes:
        out.print(Text(change))
    for line in what_if_summary(found, company.base_currency, company.base_currency_minor_digits):
        out.print(Text(line))
    print_section(out, what_if_section(found, company.base_currency_minor_digits))
    if markdown is not None:
        text = what_if_markdown(found, company.base_currency, company.base_currency_minor_digits)
        markdown.write_text(text, encoding="utf-8")
        out.print(Text(f"written to {markdown}"))


@segment_app.command("stability")
def segment_stability(as_of: Day = None) -> None:
    """Show the migration matrix of tiers and stages, who moved, and who flapped (left a group and was soon back)."""
    from retention.cli._segment import DIMENSIONS, labels
    from retention.report import Section, print_section, rows

    warehouse, _ = open_databases()
    day, names, out = {"day": _date(warehouse, as_of)}, labels(), console()

    def share(part: int | None, whole: int) -> str:
        return "" if part is None else f"{part:,} ({part / whole:.2%})" if whole else f"{part:,}"

    found = rows(warehouse, "select * from segments.stability where as_of_date = :day order by dimension", day)
    columns = [
        ("group", "left"), ("since", "left"), ("customers", "right"), ("moved", "right"), ("without damping", "right"),
        ("flapped", "right"),
    ]  # fmt: skip
    cells = [
        [
            " ".join(DIMENSIONS[r["dimension"]][:2]), str(r["since_date"]), f"{r['customers']:,}",
            share(r["movers"], r["customers"]), share(r["undamped_movers"], r["customers"]),
            share(r["flappers"], r["customers"]),
        ]
        for r in found
    ]  # fmt: skip
    note = f"Flapped: left a group and was back within {found[0]['flap_days']} days." if found else ""
    print_section(
        out, Section("How steady the groups are", "分群稳定性", columns, cells, note, empty="no slice before this one")
    )
    for dimension in ("tier", "stage"):
        moves = rows(
            warehouse,
            "select span, since_date, from_member, to_member, customers from segments.migration where as_of_date = :day "
            "and dimension = :dimension and from_member <> to_member "
            "order by span desc, customers desc, from_member, to_member",
            {**day, "dimension": dimension},
        )
        en, zh, _ = DIMENSIONS[dimension]
        columns = [("since", "left"), ("from", "left"), ("to", "left"), ("customers", "right")]
        cells = [
            [str(r["since_date"]), *(names.get((dimension, r[side]), r[side]) for side in ("from_member", "to_member")),
             f"{r['customers']:,}"]
            for r in moves
        ]  # fmt: skip
        print_section(out, Section(f"Moves between {en}s", f"{zh}变动", columns, cells, empty="nobody moved"))


@segment_app.command("history", context_settings=_KEYS)
def segment_history(customer: Customer = None, source: Source = None, customer_id: Number = None) -> None:
    """Show every move of one customer between tiers and stages, with why, from the earliest."""
    from retention.cli._person import person
    from retention.cli._segment import labels
    from retention.report import Section, print_section, rows
    from retention.segments.reference import read_reference

    warehouse, _ = open_databases()
    whom = {"person": person(warehouse, customer, source, customer_id)}
    names, out = labels(), console()
    reasons = {
        row["label"]: f"{row['label_en']} {row['label_zh']}"
        for row in read_reference("segments.label")
        if row["label_group"] == "tier_move_reason"
    }

    def name(dimension: str, member: str | None) -> str:
        return "" if member is None else names.get((dimension, member), member)

    tiers = rows(warehouse, "select * from segments.tier_move where customer_key = :person order by as_of_date", whom)
    cells = [
        [
            str(r["as_of_date"]), name("tier", r["from_tier"]), name("tier", r["to_tier"]), reasons[r["reason"]],
            f"{r['from_value_class'] or ''}/{r['from_rfm_class'] or ''} > {r['value_class']}/{r['rfm_class'] or ''}",
            f"{r['tier_probability']:.2f}",
        ]
        for r in tiers
    ]  # fmt: skip
    columns = [
        ("from", "left"), ("tier before", "left"), ("tier", "left"), ("why", "left"), ("classes", "left"), ("sure", "right"),
    ]  # fmt: skip
    print_section(out, Section("Service tiers", "服务层级历史", columns, cells, empty="this customer is in no slice"))
    stages = rows(warehouse, "select * from segments.lifecycle_move where customer_key = :person order by as_of_date", whom)
    cells = [
        [str(r["as_of_date"]), name("stage", r["from_stage"]), name("stage", r["to_stage"]), str(r["run_as_of_date"])]
        for r in stages
    ]
    columns = [("from", "left"), ("stage before", "left"), ("stage", "left"), ("found by the run of", "left")]
    print_section(out, Section("Lifecycle stages", "生命周期历史", columns, cells, empty="this customer is in no slice"))


@segment_app.command("tags", context_settings=_KEYS)
def segment_tags(customer: Customer = None, source: Source = None, customer_id: Number = None, as_of: Day = None) -> None:
    """Show one customer's tags with the rule that gives each and the values behind it."""
    from retention.cli._person import person
    from retention.report import Section, print_section
    from retention.segments.evidence import evidence

    warehouse, _ = open_databases()
    whom = person(warehouse, customer, source, customer_id)
    found = evidence(warehouse, whom, _date(warehouse, as_of), load_settings())
    cells = [[one.tag, one.kind, one.label_en, one.label_zh, one.because] for one in found]
    columns = [("tag", "left"), ("kind", "left"), ("English", "left"), ("中文", "left"), ("because", "left")]
    print_section(console(), Section("Tags", "标签", columns, cells, empty="this customer has no tag"))


def _proposed(settings: Settings, changed: list[str]) -> Settings:
    for text in changed:
        name, equals, value = text.partition("=")
        group, dot, key = name.strip().partition(".")
        if not (equals and dot and key):
            raise typer.BadParameter(f"{text!r} is not GROUP.NAME=VALUE", param_hint="--set")
        try:
            written: Any = tomllib.loads(f"value = {value}")["value"]
        except tomllib.TOMLDecodeError:
            raise typer.BadParameter(f"{value!r} is no number; texts go in quotation marks", param_hint="--set") from None
        try:
            settings = override_settings(settings, {group: {key: written}}, "--set")
        except SettingsError as error:
            raise typer.BadParameter(str(error), param_hint="--set") from None
    return settings


def _date(warehouse: Warehouse, text: str | None) -> date:
    from retention.report import rows
    from retention.segments.assign import NoSegments

    chosen = parse_date(text, "--as-of")
    if chosen is None:
        chosen = rows(warehouse, "select max(as_of_date) as newest from segments.tier")[0]["newest"]
    if chosen is None:
        raise NoSegments("segments: no date was published yet: run `retention run` first.")
    return chosen
