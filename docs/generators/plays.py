"""docs/play-reference.md: the shipped plays and the attributes that plays may ask about, from the files themselves."""

from __future__ import annotations

from collections.abc import Sequence

from retention.campaigns.catalogue import PREDICTED, PROTECTED, Attribute, attributes
from retention.campaigns.holidays import calendar
from retention.campaigns.plays import Play, check_plays

INTRODUCTION = """# Play reference

The plays that are shipped, the attributes that plays may ask about, and the holidays. How to write a play:
[plays.md](plays.md).

Generated from `include/plays`, `include/sql/campaigns/customer_attributes.yml` and `include/calendar` by `make docs`.
"""


def page() -> str:
    """Return the page."""
    plays, problems = check_plays()
    if problems:
        raise ValueError(f"the shipped plays are not right: {'; '.join(problems)}")
    return "".join([INTRODUCTION, _plays(plays), _offers(plays), _attributes(), _holidays()])


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "".join(f"| {' | '.join(cell.replace('|', '/') for cell in line)} |\n" for line in lines)


def _plays(plays: Sequence[Play]) -> str:
    rows = [
        [
            f"`{play.name}`", f"{play.name_en} {play.name_zh}", str(play.definition["description"]), play.kind,
            ", ".join(play.channels), play.period, str(play.priority), f"{play.holdout_share:.0%}", f"{play.valid_days} days",
        ]
        for play in plays
    ]  # fmt: skip
    heads = ["play", "name", "what and for whom", "kind", "channels", "once per", "priority", "control", "holds for"]
    return f"\n## Plays\n\n{_table(heads, rows)}"


def _offers(plays: Sequence[Play]) -> str:
    rows = []
    for play in plays:
        stated = play.expected
        expected = f"{stated.uplift:.1%} of `{stated.of}`, offer used by {stated.redemption:.0%}" if stated else ""
        limits = [f"{play.budget.month:,.0f} a month" if play.budget.month is not None else ""]
        limits.append(f"{play.capacity_per_day} a day" if play.capacity_per_day is not None else "")
        limits.append(f"{play.max_tries} tries since {play.tries_since.replace('_', ' ')}" if play.max_tries else "")
        offers = "; ".join(f"{rung.label_en} {rung.label_zh}" for rung in play.ladder)
        rows.append([f"`{play.name}`", offers, expected, ", ".join(filter(None, limits))])
    return (
        "\n## Offers, expected responses and limits\n\nThe first rung of an offer whose condition holds is granted. Expected "
        "responses are stated priors, used until an effect has been measured.\n\n"
        + _table(["play", "offer", "expected to bring", "limits"], rows)
    )


def _attributes() -> str:
    rows = [
        [
            f"`{attribute.name}`", attribute.unit, f"{attribute.label_en} {attribute.label_zh}",
            attribute.description + _values(attribute),
            "protected" if attribute.name in PROTECTED else "prediction" if attribute.name in PREDICTED else "",
        ]
        for attribute in attributes().values()
    ]  # fmt: skip
    return (
        "\n## Attributes\n\n`minor` is an amount in minor units of the base currency (fen, cents), `share` lies between 0 and "
        "1, `key` and `time` only name an event. *Protected* attributes may choose the audience of a play without a priced "
        "offer, and nothing else. A play that asks about a *prediction* leaves out who withdrew consent to profiling.\n\n"
        + _table(["attribute", "unit", "name", "meaning", ""], rows)
    )


def _values(attribute: Attribute) -> str:
    if not attribute.values:
        return ""
    return " Values: " + ", ".join(f"`{value}` {name}" for value, name in attribute.values.items()) + "."


def _holidays() -> str:
    rows = []
    for code, entry in calendar().items():
        kind, rule = next((kind, rule) for kind, rule in entry.items() if kind not in ("en", "zh"))
        if isinstance(rule, dict):
            rule = ", ".join(f"{key} {value}" for key, value in rule.items())
        rows.append([f"`{code}`", f"{entry['en']} {entry['zh']}", f"{kind}: {rule}"])
    return f"\n## Holidays\n\n{_table(['holiday', 'name', 'falls on'], rows)}"
