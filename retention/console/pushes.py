"""Pushes: what waits for somebody's approval and why, what went out, who approved.

Whether Airflow has asked, and whether somebody has answered, is Airflow's to say: whoever serves the console passes that in.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from retention.console.labels import Labels
from retention.console.reading import Reader
from retention.console.shapes import Shape, pick, plain
from retention.console.words import Text, label, said

FROM_COMMAND_LINE = "cli__"
"""Beginning of the run ids of the command line: such a push is approved there."""


def waiting(reader: Reader, labels: Labels) -> list[Shape]:
    """Return what the newest push holds back, as one item; nothing when nothing waits."""
    rows = reader.rows("pushes_waiting")
    if not rows:
        return []
    first = rows[0]
    return [
        {
            "id": first["run_id"],
            "business_date": plain(first["business_date"]),
            "asked_at": plain(min(row["stopped_at"] for row in rows)),
            "answer_by": None,
            "can_answer": False,
            "why_not": None,
            "version": _version(rows),
            "excess": [_excess(row, labels) for row in rows],
        }
    ]


def _excess(row: Mapping[str, Any], labels: Labels) -> Shape:
    play, measure, cause = labels.play(row["play"]), label("measure", row["measure"]), label("cause", row["cause"])
    found, allowed = f"{row['found']:,}", f"{row['allowed']:,}"
    return {
        **pick(row, "play", "measure", "found", "allowed", "cause"),
        "label": play,
        "measure_label": measure,
        "cause_label": cause,
        "sentence": {
            "en": f"{play['en']}: {measure['en']} {found}, allowed {allowed} ({cause['en']})",
            "zh": f"{play['zh']}：{measure['zh']} {found}，限额 {allowed}（{cause['zh']}）",
        },
    }


def _version(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return what an answer must echo: another push, or other counts, have another version."""
    told = "|".join(
        f"{row['token']}:{row['play']}:{row['measure']}:{row['cause']}:{row['found']}:{row['allowed']}" for row in rows
    )
    return hashlib.sha256(told.encode()).hexdigest()[:16]


def answerable(item: Shape, question: Mapping[str, Any] | None, *, may_answer: bool) -> Shape:
    """Return a waiting item with whether, and how, it can be answered.

    Parameters
    ----------
    item : mapping
        Of :func:`waiting`.
    question : mapping, optional
        Airflow's own question for that run: ``answered_by``, ``answer`` (approve or reject), ``answer_by``, ``asked_at``.
    may_answer : bool
        Whether who looks has the right.
    """
    if str(item["id"]).startswith(FROM_COMMAND_LINE):
        return {**item, "why_not": said("push", "from_command_line", day=item["business_date"])}
    if question is None:
        return {**item, "why_not": said("push", "not_asked")}
    item = {**item, "asked_at": question["asked_at"] or item["asked_at"], "answer_by": question["answer_by"]}
    if question["answered_by"] is not None:
        answer: Text = said("push", question["answer"])
        why_not = said("push", "answered", who=question["answered_by"], answer=answer)
        return {**item, "is_settled": True, "why_not": why_not}
    return {**item, "can_answer": may_answer, "why_not": None if may_answer else said("push", "no_right")}


def history(reader: Reader) -> list[Shape]:
    """Return the last pushes, newest first."""
    return [
        {
            "business_date": plain(row["business_date"]),
            "pushed_at": plain(row["received_at"]),
            "state": "needs_approval" if row["held_back"] else "committed",
            "state_label": label("push_state", "needs_approval" if row["held_back"] else "committed"),
            "added": row["rows_added"],
            "updated": row["rows_updated"],
            "removed": row["rows_removed"],
            "tasks": row["tasks_added"],
            "members": row["members"],
            "withheld": row["held_back"],
            "approved_by": row["approved_by"],
            "approval_reason": row["reason"],
        }
        for row in reader.rows("pushes")
    ]


def approvals(reader: Reader) -> list[Shape]:
    """Return the last approvals, used or not, newest first."""
    return [
        {
            **pick(row, "business_date", "approved_by", "reason", "approved_at", "used_at"),
            "ceilings": [
                {"play": name.rpartition(".")[0], "measure": name.rpartition(".")[2], "found": _count(ceiling)}
                for name, ceiling in sorted((row["ceilings"] or {}).items())
            ],
        }
        for row in reader.rows("approvals")
    ]


def _count(ceiling: Any) -> int | None:
    """Return the count of a ceiling, which may name its cause beside it."""
    if isinstance(ceiling, Mapping):
        ceiling = ceiling.get("found")
    return int(ceiling) if ceiling is not None else None
