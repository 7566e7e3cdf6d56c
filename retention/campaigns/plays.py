"""Plays: one YAML file each under ``include/plays``; a team adds a play by adding a file."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from retention.campaigns.catalogue import PREDICTED
from retention.campaigns.checking import check_play
from retention.campaigns.conditions import Condition, Group, leaves, parse
from retention.campaigns.documents import Document, read_document
from retention.campaigns.errors import PlayError
from retention.settings import PROJECT_ROOT

PLAYS_DIR = PROJECT_ROOT / "include" / "plays"
OWN_PLAYS = "RETENTION_PLAYS_DIR"
"""Environment variable that names a folder of the company's own plays, read beside the shipped ones."""

_WINDOWS_FROM = date(2000, 1, 1)


@dataclass(frozen=True)
class Negotiation:
    """How far a person may go in a conversation; amounts in whole units of the base currency."""

    opening: float
    ceiling: float
    of: str | None = None
    opening_share: float | None = None
    ceiling_share: float | None = None


@dataclass(frozen=True)
class Rung:
    """One rung of an offer ladder: the first whose condition holds is granted."""

    code: str
    kind: str
    label_en: str
    label_zh: str
    when: Condition | None = None
    amount: float | None = None
    percent: float | None = None
    negotiation: Negotiation | None = None
    details: tuple[str, ...] = ()
    """Attributes whose values the message needs: the product proposed, the amount missing."""


@dataclass(frozen=True)
class Task:
    """What a staff play asks of a person."""

    title_en: str
    title_zh: str
    talking_points_en: str
    talking_points_zh: str
    due_days: int | None = None
    """Days until it has to be done; null: as long as the play's membership lasts."""
    assign_to: str = "account_owner"
    """account_owner (the team where a customer has none) or team."""


@dataclass(frozen=True)
class Budget:
    """Most that a play may cost, touches and expected offers together, in whole units of the base currency; null: no limit."""

    day: float | None = None
    month: float | None = None


@dataclass(frozen=True)
class MinimumValue:
    """The least a customer must be worth for the play; amounts in minor units, as in conditions."""

    attribute: str
    at_least: float


@dataclass(frozen=True)
class Expected:
    """What a contact is expected to bring until it has been measured: a stated prior, the evidence of which is nobody's."""

    of: str
    """Attribute in minor units: the amount a contact may change."""
    uplift: float
    """Share of that amount which the contact adds on average, -1 to 1."""
    redemption: float = 1.0
    """Share of the people contacted who use the offer, 0 to 1."""


@dataclass(frozen=True)
class Play:
    """One play, checked."""

    name: str
    name_en: str
    name_zh: str
    kind: str
    purpose: str
    condition: Condition
    channels: tuple[str, ...]
    cost_per_touch: Mapping[str, float]
    ladder: tuple[Rung, ...]
    content_key: str
    period: str
    event: str | None
    priority: int
    is_capped: bool
    holdout_share: float
    valid_days: int
    max_tries: int | None
    task: Task | None
    definition: Mapping[str, Any]
    tries_since: str = "last_order"
    """Tries count since the last order, or ever."""
    channel_choice: str = "listed"
    """listed: the first of `channels` that is open; preferred: the customer's own first where it is among them, then those."""
    keeps_quiet_hours: bool = True
    budget: Budget = Budget()
    capacity_per_day: int | None = None
    """Most people a day that may be contacted or tasks that may be given out; null without a limit."""
    minimum_value: MinimumValue | None = None
    expected: Expected | None = None
    observe_from: date | None = None
    """First as-of date on which the play may begin with somebody; null: at once."""
    observe_until: date | None = None
    """Last such date; null: until it is taken out."""

    @property
    def content_hash(self) -> str:
        """sha256 of the definition as canonical JSON: equal for files that differ only in layout."""
        text = json.dumps(self.definition, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()

    @property
    def uses_profiling(self) -> bool:
        """Whether audience, offer or message rests on a prediction about the person."""
        conditions = [self.condition, *(rung.when for rung in self.ladder if rung.when is not None)]
        asked = {leaf.attribute for condition in conditions for leaf in leaves(condition)}
        if self.minimum_value is not None:
            asked.add(self.minimum_value.attribute)
        for rung in self.ladder:
            asked.update(rung.details)
        return not asked.isdisjoint(PREDICTED)

    def period_key(self, on: date) -> str | None:
        """Return the period that a day lies in, within which nobody gets the play twice; None where an event tells it.

        `days:N` counts windows of N days from 2000-01-01; a week is that of ISO 8601.
        """
        match self.period:
            case "once":
                return "once"
            case "week":
                return f"{on:%G-W%V}"
            case "month":
                return f"{on:%Y-%m}"
            case "quarter":
                return f"{on.year}-Q{(on.month + 2) // 3}"
            case "year":
                return f"{on.year}"
            case "event":
                return None
        days = int(self.period.removeprefix("days:"))
        return f"{on - timedelta(days=(on - _WINDOWS_FROM).days % days)}+{days}"


def load_plays(folder: Path = PLAYS_DIR) -> list[Play]:
    """Return every play, by name.

    Raises
    ------
    PlayError naming file, line and attribute of every problem in every file, with the nearest known name.
    """
    plays, problems = check_plays(folder)
    if problems:
        raise PlayError(problems)
    return plays


def check_plays(folder: Path = PLAYS_DIR) -> tuple[list[Play], list[str]]:
    """Return the plays that are right and the problems of the others, without raising.

    Parameters
    ----------
    folder : Path
        Folder of ``*.yml`` files.
    """
    plays, wrong, problems = _read(folder)
    return plays, [*problems, *(problem for found in wrong.values() for problem in found)]


def play_problems() -> list[str]:
    """Return what is wrong with the play files, without raising: cheap enough to ask whenever a DAG is parsed.

    A wrong file stops no other play; `plan` goes on with what the play was before.
    """
    try:
        return check_plays()[1]
    except (PlayError, ValueError, OSError) as error:
        return [str(error)]


def usable_plays(folder: Path, last_definitions: Mapping[str, Mapping[str, Any]]) -> tuple[list[Play], list[str]]:
    """Return the plays to plan with and the problems found: one wrong file must not silence the other plays.

    In the place of a wrong file stands what the play was when it was last planned with, so that its members neither lose their
    offer nor get one that nobody meant. A wrong file that was never right is left out.

    Parameters
    ----------
    folder : Path
        Folder of ``*.yml`` files.
    last_definitions : mapping
        By play, its definition when it was last planned with.

    Raises
    ------
    PlayError when not one play can be used.
    """
    plays, wrong, problems = _read(folder)
    for path, found in wrong.items():
        kept = Document(path, last_definitions.get(path.stem, {}))
        is_usable = bool(kept.content) and not check_play(kept)
        if is_usable:
            plays.append(play_of(kept))
        instead = "planned as it was before" if is_usable else "left out"
        problems.extend(f"{problem} ({path.stem} is {instead})" for problem in found)
    if not plays:
        raise PlayError(problems)
    return sorted(plays, key=lambda play: play.name), problems


def _read(folder: Path) -> tuple[list[Play], dict[Path, list[str]], list[str]]:
    """Return the plays that are right, the problems of the other files, and those of the folder."""
    plays: list[Play] = []
    wrong: dict[Path, list[str]] = {}
    files = _files(folder)
    for path in files:
        document = read_document(path)
        found = check_play(document)
        if found:
            wrong[path] = found
        elif document.content.get("enabled", True):
            plays.append(play_of(document))
    return plays, wrong, [] if files else [f"{folder.name}: no play in it (*.yml)"]


def _files(folder: Path) -> list[Path]:
    """Return the files of a folder by name; beside the shipped ones the company's own, which replace those of the same name."""
    files = {path.name: path for path in folder.glob("*.yml")}
    own = os.environ.get(OWN_PLAYS)
    if own and folder == PLAYS_DIR:
        if not Path(own).is_dir():
            raise PlayError([f"{OWN_PLAYS} names {own}, which is no folder"])
        files |= {path.name: path for path in Path(own).glob("*.yml")}
    return [files[name] for name in sorted(files)]


def play_of(document: Document) -> Play:
    """Return the play of a file that :func:`retention.campaigns.checking.check_play` has found nothing wrong with."""
    raw = document.content
    condition = parse(raw["audience"])
    if "trigger" in raw:
        condition = Group("all", (condition, parse(raw["trigger"])))
    task = raw.get("task")
    return Play(
        name=raw["play"],
        name_en=raw["name"]["en"],
        name_zh=raw["name"]["zh"],
        kind=raw["kind"],
        purpose=raw["purpose"],
        condition=condition,
        channels=tuple(raw["channels"]),
        cost_per_touch={channel: float(cost) for channel, cost in raw["cost_per_touch"].items()},
        ladder=tuple(_rung(rung) for rung in raw["offer"]),
        content_key=raw["content_key"],
        period=raw["period"],
        event=raw.get("event"),
        priority=raw["priority"],
        is_capped=raw.get("frequency_cap", "applies") == "applies",
        holdout_share=float(raw["holdout_share"]),
        valid_days=raw["valid_days"],
        max_tries=raw["stop"]["after_tries"] if "stop" in raw else None,
        task=Task(
            task["title"]["en"],
            task["title"]["zh"],
            " ".join(task["talking_points"]["en"].split()),
            task["talking_points"]["zh"],
            task.get("due_days"),
            task.get("assign_to", "account_owner"),
        )
        if task
        else None,
        definition=raw,
        tries_since=raw["stop"]["since"] if "stop" in raw else "last_order",
        channel_choice=raw.get("channel_choice", "listed"),
        keeps_quiet_hours=raw.get("quiet_hours", "applies") == "applies",
        budget=Budget(**raw.get("budget", {})),
        capacity_per_day=raw.get("capacity_per_day"),
        minimum_value=MinimumValue(**raw["minimum_value"]) if "minimum_value" in raw else None,
        expected=Expected(**raw["expected"]) if "expected" in raw else None,
        observe_from=_date(raw, "observe_from"),
        observe_until=_date(raw, "observe_until"),
    )


def _date(raw: Mapping[str, Any], key: str) -> date | None:
    return date.fromisoformat(raw[key]) if key in raw else None


def _rung(raw: Mapping[str, Any]) -> Rung:
    negotiation = raw.get("negotiation")
    return Rung(
        code=raw["code"],
        kind=raw["kind"],
        label_en=raw["label"]["en"],
        label_zh=raw["label"]["zh"],
        when=parse(raw["when"]) if "when" in raw else None,
        amount=raw.get("amount"),
        percent=raw.get("percent"),
        negotiation=Negotiation(**negotiation) if negotiation else None,
        details=tuple(raw.get("details", ())),
    )
