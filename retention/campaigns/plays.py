"""Plays: one YAML file each under ``include/plays``; a team adds a play by adding a file."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from retention.campaigns.catalogue import PREDICTED
from retention.campaigns.checking import Document, check_play, read_document
from retention.campaigns.conditions import Condition, Group, leaves, parse
from retention.campaigns.errors import PlayError
from retention.settings import PROJECT_ROOT

PLAYS_DIR = PROJECT_ROOT / "include" / "plays"


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


@dataclass(frozen=True)
class Task:
    """What a staff play asks of a person."""

    title_en: str
    title_zh: str
    talking_points_en: str
    talking_points_zh: str


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

    @property
    def content_hash(self) -> str:
        """sha256 of the definition as canonical JSON: equal for files that differ only in layout."""
        text = json.dumps(self.definition, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()

    @property
    def uses_profiling(self) -> bool:
        """Whether the audience or the offer rests on a prediction about the person."""
        conditions = [self.condition, *(rung.when for rung in self.ladder if rung.when is not None)]
        return any(leaf.attribute in PREDICTED for condition in conditions for leaf in leaves(condition))


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
            plays.append(_build(kept))
        instead = "planned as it was before" if is_usable else "left out"
        problems.extend(f"{problem} ({path.stem} is {instead})" for problem in found)
    if not plays:
        raise PlayError(problems)
    return sorted(plays, key=lambda play: play.name), problems


def _read(folder: Path) -> tuple[list[Play], dict[Path, list[str]], list[str]]:
    """Return the plays that are right, the problems of the other files, and those of the folder."""
    plays: list[Play] = []
    wrong: dict[Path, list[str]] = {}
    files = sorted(folder.glob("*.yml"))
    for path in files:
        document = read_document(path)
        found = check_play(document)
        if found:
            wrong[path] = found
        else:
            plays.append(_build(document))
    return plays, wrong, [] if files else [f"{folder.name}: no play in it (*.yml)"]


def _build(document: Document) -> Play:
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
        )
        if task
        else None,
        definition=raw,
    )


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
    )
