"""Commands about plays: list, check, preview, size, tasks, parity, approve."""

from __future__ import annotations

import getpass
import json
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.text import Text

from retention.cli._shared import FAILED, closed_day, console, open_databases, parse_date, run_factory
from retention.settings import load_settings

if TYPE_CHECKING:
    from retention.campaigns.rehearsal import Rehearsal, Size

play_app = typer.Typer(help="Campaign plays: one YAML file each.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(metavar="PLAY", help="Name of the play.")]
Day = Annotated[str | None, typer.Option("--as-of", help="As-of date; default the newest with segments.")]
File = Annotated[
    Path | None, typer.Option("--file", exists=True, dir_okay=False, help="A play file that is not in the folder yet.")
]
Language = Annotated[str, typer.Option("--lang", help="en or zh.")]


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.add_typer(play_app, name="play")


@play_app.command("list")
def play_list() -> None:
    """List the plays: what each is, by which channels, once per what, with which control group."""
    from retention.campaigns import load_plays
    from retention.report import Section, print_section

    columns = [
        ("play", "left"), ("name", "left"), ("kind", "left"), ("channels", "left"), ("once per", "left"),
        ("priority", "right"), ("control", "right"),
    ]  # fmt: skip
    rows = [
        [
            play.name, f"{play.name_en} {play.name_zh}", play.kind, ", ".join(play.channels), play.period,
            str(play.priority), f"{play.holdout_share:.0%}",
        ]
        for play in sorted(load_plays(), key=lambda play: (-play.priority, play.name))
    ]  # fmt: skip
    print_section(console(), Section("Campaign plays", "营销活动", columns, rows))


@play_app.command("check")
def play_check(
    folder: Annotated[
        Path | None, typer.Argument(help="Folder of plays; default include/plays and RETENTION_PLAYS_DIR.", file_okay=False)
    ] = None,
) -> None:
    """Read every play and name whatever is wrong, without running anything."""
    from retention.campaigns import check_plays
    from retention.campaigns.plays import PLAYS_DIR

    plays, problems = check_plays(folder or PLAYS_DIR)
    out = console()
    for problem in problems:
        out.print(Text(f"✗ {problem}"))
    out.print(f"{len(plays)} plays are right, {len(problems)} problems")
    if problems:
        raise typer.Exit(FAILED)


@play_app.command("size")
def play_size(name: Name, as_of: Day = None, file: File = None, lang: Language = "en") -> None:
    """Say whom a play would reach, whom not and why, and at what cost, beside all other plays. Publishes nothing."""
    from retention.report import print_section

    size = _rehearse(name, as_of, file, 0, lang).size
    for section in _size_sections(size, lang):
        print_section(console(), section)


@play_app.command("preview")
def play_preview(
    name: Name,
    as_of: Day = None,
    file: File = None,
    people: Annotated[int, typer.Option("--people", min=1, max=100, help="How many customers to show.")] = 5,
    lang: Language = "en",
) -> None:
    """Show a few customers a play would reach, by key, with channel, offer and reasons. Publishes nothing."""
    from retention.report import Section, print_section

    found = _rehearse(name, as_of, file, people, lang)
    columns = [
        ("customer", "right"), ("state", "left"), ("channel", "left"), ("offer", "left"), ("until", "left"),
        ("expected", "right"), ("why", "left"),
    ]  # fmt: skip
    rows = [
        [
            str(row["customer_key"]), row["state"], row["channel"], _offer(row, lang), f"{row['valid_until']:%Y-%m-%d}",
            f"{_money(row['expected_value_minor'])} for {_money(row['expected_cost_minor'])}", row[f"reasons_{lang}"],
        ]
        for row in found.people
    ]  # fmt: skip
    note = f"{found.size.selected:,} selected and {found.size.control:,} kept back as control in all; nothing was published."
    empty = "nobody: `retention play size` says why"
    print_section(console(), Section(f"A few customers of {name}", "部分客户", columns, rows, note, empty=empty))


@play_app.command("tasks")
def play_tasks(
    owner: Annotated[str | None, typer.Option("--owner", help="Only those of one account manager; - for nobody's.")] = None,
    as_of: Day = None,
    lang: Language = "en",
) -> None:
    """Print the day's calls and visits by account manager, the most urgent first, with what to know."""
    from retention.report import Section, print_section, rows

    _check_language(lang)
    warehouse, _ = open_databases()
    day = parse_date(as_of, "--as-of") or _newest(warehouse, "campaigns.staff_task")
    found = rows(
        warehouse,
        "select * from campaigns.staff_task where as_of_date = :day order by account_owner nulls last, priority desc, "
        "is_at_risk desc, due_until, customer_key",
        {"day": day},
    )
    by_owner: dict[str, list[list[str]]] = {}
    for row in found:
        held = row["account_owner"] or "-"
        if owner in (None, held):
            by_owner.setdefault(held, []).append(
                [str(row["customer_key"]), row[f"title_{lang}"], f"{row['due_until']:%Y-%m-%d}", _bounds(row),
                 row[f"talking_points_{lang}"]]
            )  # fmt: skip
    columns = [("customer", "right"), ("task", "left"), ("due", "left"), ("offer", "left"), ("what to know", "left")]
    for held, tasks in by_owner.items():
        title = "Nobody's own customers: the team's" if held == "-" else f"Tasks of {held}"
        print_section(console(), Section(title, "任务清单", columns, tasks, "offer: open with, meet at, at most"))
    if not by_owner:
        console().print(f"no tasks as of {day}")


@play_app.command("parity")
def play_parity() -> None:
    """Compare tiers and priced offers by sex, age and region, beside what value and stage alone would give."""
    from retention.report import Section, print_section, rows

    warehouse, _ = open_databases()
    found = rows(warehouse, "select * from bi.parity order by attribute, subject desc, outcome, member")
    columns = [
        ("of", "left"), ("group", "left"), ("gets", "left"), ("customers", "right"), ("share", "right"), ("all", "right"),
        ("expected", "right"), ("ratio", "right"), ("", "left"),
    ]  # fmt: skip
    cells = [
        [
            row["attribute"], row["member"], f"{row['subject']} {row['outcome']}", f"{row['customers']:,}",
            f"{row['rate']:.1%}", f"{row['rate_all']:.1%}", f"{row['rate_expected']:.1%}",
            "" if row["ratio_expected"] is None else f"{row['ratio_expected']:.2f}", "look" if row["is_notable"] else "",
        ]
        for row in found
    ]  # fmt: skip
    note = "expected: had only value class and stage decided; ratio: share over expected; look: under 0.8, beyond chance"
    print_section(console(), Section("Parity of tiers and offers", "分层与优惠的公平性", columns, cells, note))


@play_app.command("approve")
def play_approve(
    reason: Annotated[str, typer.Option("--reason", help="Why the change is right; kept for good.")],
    date: Annotated[str | None, typer.Option("--date", help="Business day of the stopped push; default yesterday.")] = None,
    by: Annotated[str | None, typer.Option("--by", help="Who approves; default the login.")] = None,
) -> None:
    """Approve a push that was stopped because audiences would have changed too much: once, up to the counts found."""
    from retention.campaigns import approve

    warehouse, _ = open_databases()
    day = closed_day(date)
    given = approve(warehouse, day, by or getpass.getuser(), reason)
    console().print(Text(f"approved for {day}: {json.dumps(given, default=str)}"))
    console().print("push again: run the task push_audience of that day, or `retention run --date …`")


# -- what they share ----------------------------------------------------------------------------------------------------
def _rehearse(name: str, as_of: str | None, file: Path | None, people: int, lang: str) -> Rehearsal:
    from retention import pipeline
    from retention.campaigns.rehearsal import rehearse

    _check_language(lang)
    day = parse_date(as_of, "--as-of")
    if day is None:
        warehouse, _ = open_databases()
        day = _newest(warehouse, "segments.tier")
    run = run_factory(day - timedelta(days=1))("rehearse play")
    try:
        return rehearse(run, name, people, file)
    finally:
        pipeline.close(run)


def _newest(warehouse: Any, table: str) -> date:
    from retention.campaigns.errors import NothingPlanned
    from retention.report import rows

    # The name is one of the two above.
    newest: date | None = rows(warehouse, f"select max(as_of_date) as newest from {table}")[0]["newest"]
    if newest is None:
        raise NothingPlanned(f"{table}: no date was published yet. Nothing to show: run `retention run` first.")
    return newest


def _check_language(lang: str) -> None:
    if lang not in ("en", "zh"):
        raise typer.BadParameter("en or zh", param_hint="--lang")


def _size_sections(size: Size, lang: str) -> Sequence[Any]:
    from retention.campaigns.experiments import sentence
    from retention.report import Section

    parts = [
        ("population", size.population), ("not in the audience", size.not_in_audience), ("excluded by a rule", size.excluded),
        ("control", size.control), ("selected", size.selected),
    ]  # fmt: skip
    rows = [[what, f"{count:,}", f"{count / size.population:.1%}" if size.population else ""] for what, count in parts]
    cost = (
        f"Of those who would begin now: touches {_money(size.touch_cost_minor)}, with offers as far as used "
        f"{_money(size.expected_cost_minor)}, for an expected margin of {_money(size.expected_value_minor)}."
    )
    sections = [
        Section(
            f"Size of {size.play.name}",
            size.play.name_zh,
            [("", "left"), ("customers", "right"), ("share", "right")],
            rows,
            cost,
        )
    ]
    rules = [
        [row[f"label_{lang}"], row["rule"], f"{row['customers_first']:,}", f"{row['customers_any']:,}"] for row in size.rules
    ]
    heads = [("why", "left"), ("rule", "left"), ("first", "right"), ("at all", "right")]
    sections.append(Section("Who is left out, and why", "未触达原因", heads, rules))
    tiers = [
        [row["service_tier"], row["channel"], row["offer"], f"{row['selected']:,}", f"{row['control']:,}",
         _money(row["expected_cost_minor"])]
        for row in size.tiers
    ]  # fmt: skip
    heads = [(name, "left") for name in ("tier", "channel", "offer")]
    heads += [(name, "right") for name in ("selected", "control", "cost")]
    company = load_settings().company
    shown = sentence(size.design, lang, 10**company.base_currency_minor_digits)
    sections.append(Section("By tier", "按服务层级", heads, tiers, f"{shown} Nothing was published.", empty="nobody"))
    return sections


def _offer(row: Mapping[str, Any], lang: str) -> str:
    terms = json.loads(row["offer_terms"])
    details = ", ".join(str(value) for value in terms.get("details", {}).values() if value is not None)
    label: str = terms[f"label_{lang}"]
    return f"{label} ({details})" if details else label


def _bounds(row: Mapping[str, Any]) -> str:
    if row["opening_minor"] is None:
        return ""
    return " / ".join(_money(row[f"{end}_minor"]) for end in ("opening", "midpoint", "ceiling"))


def _money(minor: float) -> str:
    company = load_settings().company
    digits = company.base_currency_minor_digits
    return f"{float(minor) / 10**digits:,.{digits}f}"
