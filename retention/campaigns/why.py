"""Why a customer gets a play on a day, or does not: one sentence from what the plan kept."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from retention.campaigns.conditions import Binds, Condition, Group, Leaf, parse, predicate
from retention.campaigns.eligibility import RULES
from retention.campaigns.why_words import Language, Words
from retention.settings import Settings
from retention.warehouse import RetentionError, Warehouse, sql_file


class WhyUnknown(RetentionError):
    """Nothing is kept that could answer."""

    runbook = "why-unknown"


@dataclass(frozen=True)
class Why:
    """The answer for one customer, play and day."""

    as_of_date: date
    customer_key: int
    play: str
    state: str
    """selected, control or excluded."""
    rules: tuple[str, ...]
    """Rules that failed, the first one first."""
    sentence_en: str
    sentence_zh: str

    def sentence(self, language: Language) -> str:
        """Return the answer in a language."""
        return self.sentence_en if language == "en" else self.sentence_zh


def plays_of(warehouse: Warehouse, as_of_date: date | None) -> tuple[date, list[str]]:
    """Return the day asked about and the plays it was planned with; the newest day where none is named.

    Raises
    ------
    WhyUnknown when the masks of that day are not there, naming the days that are.
    """
    with warehouse.connect() as connection:
        days = list(
            connection.execute(
                sa.text(
                    "select cast(slice_key as date) from ops.published where table_name = 'campaigns.eligibility' order by 1"
                )
            ).scalars()
        )
        chosen = as_of_date or (days[-1] if days else None)
        if chosen is None:
            raise WhyUnknown(
                "why: no day was planned yet, or those planned are past `keep.decision_days`: run `retention run` first."
            )
        plays = connection.execute(
            sa.text(
                "select plays from campaigns.plan_version where plays_version = ("
                "select plays_version from campaigns.eligibility where as_of_date = :day limit 1)"
            ),
            {"day": chosen},
        ).scalar()
    if plays is None:
        kept = f"kept are {days[0]} to {days[-1]}" if days else "none is kept"
        raise WhyUnknown(f"why: as of {chosen} nothing is kept of who was left out (`keep.decision_days`; {kept}).")
    return chosen, list(plays)


def why(warehouse: Warehouse, settings: Settings, customer_key: int, play: str, as_of_date: date | None = None) -> Why:
    """Return why a customer gets a play on a day, or what keeps them out.

    Parameters
    ----------
    warehouse : Warehouse
        Holds the plan of the day.
    settings : Settings
        Currency, caps and rests that sentences name.
    customer_key : int
        The person.
    play : str
        Name of the play.
    as_of_date : date, optional
        The day; the newest that was planned where none is given.

    Raises
    ------
    WhyUnknown when the day is not kept, the play was not planned (with the nearest name), or the customer is not known then.
    """
    day, plays = plays_of(warehouse, as_of_date)
    if play not in plays:
        near = difflib.get_close_matches(play, plays, n=1)
        raise WhyUnknown(
            f"why: as of {day} no play {play} was planned"
            + (f"; did you mean {near[0]}?" if near else f"; planned were {', '.join(plays)}.")
        )
    with warehouse.connect() as connection:
        facts = _facts(connection, day, customer_key, play)
        if facts is None:
            raise WhyUnknown(f"why: customer {customer_key} is not among the customers as of {day}.")
        names = {
            row.play: {"en": row.name_en, "zh": row.name_zh}
            for row in connection.execute(
                sa.text(
                    "select play, name_en, name_zh from campaigns.play where content_hash in ("
                    "select unnest(content_hashes) from campaigns.plan_version where plays_version = :version)"
                ),
                {"version": facts["plays_version"]},
            )
        }
        rules = [
            (row.rule, {"en": row.label_en, "zh": row.label_zh})
            for row in connection.execute(
                sa.text(
                    "select rule, label_en, label_zh from campaigns.exclusion_rule where bit & :mask > 0 order by position"
                ),
                {"mask": facts["failing"]},
            )
        ]
        unmet = _unmet(connection, facts, day) if facts["failing"] & RULES["not_in_audience"] else []
    words = {language: Words(settings, language, facts, names, day) for language in ("en", "zh")}
    said = {language: spoken.answer(rules, unmet) for language, spoken in words.items()}
    state = "selected" if not rules else "control" if [rule for rule, _ in rules] == ["control"] else "excluded"
    return Why(day, customer_key, play, state, tuple(rule for rule, _ in rules), said["en"], said["zh"])


def _facts(connection: Connection, day: date, customer_key: int, play: str) -> dict[str, Any] | None:
    """Return everything kept of a customer and a play on a day: attributes, masks, contest, decision, last delivery."""
    row = connection.execute(
        sa.text(sql_file("campaigns/_why")), {"day": day, "customer": customer_key, "play": play}
    ).one_or_none()
    return None if row is None else {**row._mapping, "customer": customer_key, "play": play}


def _unmet(connection: Connection, facts: Mapping[str, Any], day: date) -> list[Condition]:
    """Return the parts of a play's audience rule that the customer does not meet, in the order of the rule.

    Each part is asked of the database as the plan asked it, so that there is no second reading of a rule.
    """
    definition = facts["definition"]
    whole = [parse(definition[part]) for part in ("audience", "trigger") if part in definition]
    listed = list(_parts(Group("all", tuple(whole))))
    binds = Binds("part")
    asked = ", ".join(f"{predicate(part, binds)} as holds_{number}" for number, part in enumerate(listed))
    row = connection.execute(
        sa.text(
            f"select {asked} from campaigns.customer_attributes as attributes "
            "where attributes.as_of_date = :day and attributes.customer_key = :customer"
        ),
        {**binds.values, "day": day, "customer": facts["customer"]},
    ).one()
    holds = {id(part): bool(found) for part, found in zip(listed, row, strict=True)}

    def failing(part: Condition) -> Iterator[Condition]:
        if holds[id(part)]:
            return
        if isinstance(part, Leaf) or part.kind != "all":
            yield part
        else:
            for inner in part.parts:
                yield from failing(inner)

    return list(failing(listed[0]))


def _parts(condition: Condition) -> Iterator[Condition]:
    yield condition
    if isinstance(condition, Group):
        for part in condition.parts:
            yield from _parts(part)
