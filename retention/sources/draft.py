"""A proposal as the text of a description, to be saved under include/sources and read by somebody who knows the system."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from retention.sources.discovery import Candidate
from retention.sources.profile import ColumnProfile
from retention.sources.proposal import SURE, Proposal, Proposed

_PLAIN = re.compile(r"^[A-Za-z_\u4e00-\u9fff][A-Za-z0-9_\u4e00-\u9fff]*$")
_WORDS = {"true", "false", "yes", "no", "on", "off", "null", "y", "n", "none", "nan"}
_WIDTH = 74
_ORDER = ("customer", "product", "order", "order_line", "consent", "complaint")
"""Entities that others refer to, and those that most companies have, come first."""


def draft(source: str, kind: str, timezone: str, proposals: Sequence[tuple[Candidate, Proposal]]) -> str:
    """Return a description of a source.

    Of several tables that hold the same entity the surest is written out; the others are named in a comment, because a
    source delivers each entity once.

    Parameters
    ----------
    source : str
        Name of the source.
    kind : str
        ``sql`` or ``files``.
    """
    connection = source.upper()
    lines = [
        "# Proposed from names and from the first rows. Read every line: nobody has told the product what this system means.",
        f"source: {source}  # part of every customer's key: choose once, never rename",
        f"kind: {kind}",
        f"connection: {connection}  # its address is RETENTION_SOURCE_{connection}_URL",
        f"timezone: {timezone}  # zone of the times that the system stores without an offset: check it",
        "entities:",
    ]
    best: dict[str, tuple[Candidate, Proposal]] = {}
    left: list[tuple[Candidate, Proposal]] = []
    for candidate, proposal in sorted(proposals, key=lambda one: -one[1].confidence):
        if proposal.entity in best or not proposal.key:
            left.append((candidate, proposal))
        else:
            best[proposal.entity] = (candidate, proposal)
    for candidate, proposal in sorted(best.values(), key=_place):
        lines += _entity(candidate, proposal)
    for candidate, proposal in left:
        why = "a second one; join the two in a query if both hold it" if proposal.entity in best else proposal.key_reason
        lines.append(f"  # {candidate.sample.where} also looks like {proposal.entity} ({proposal.confidence:.0%}): {why}")
    return "\n".join(lines) + "\n"


def _place(one: tuple[Candidate, Proposal]) -> tuple[int, str]:
    entity = one[1].entity
    return (_ORDER.index(entity) if entity in _ORDER else len(_ORDER)), entity


def _entity(candidate: Candidate, proposal: Proposal) -> list[str]:
    sure = "" if proposal.confidence >= SURE else ": not sure"
    lines = [f"  {proposal.entity}:  # {candidate.sample.where} ({proposal.confidence:.0%}{sure})"]
    for key, value in candidate.where.items():
        lines.append(f"    {key}: {_flow(value)}")
    lines.append(f"    key: [{', '.join(map(_scalar, proposal.key))}]  # {proposal.key_reason}")
    if "table" in candidate.where:
        if proposal.cursor is not None:
            lines.append(f"    cursor: {_scalar(proposal.cursor)}  # {proposal.cursor_reason}")
            if proposal.cursor_type != "timestamp":
                lines.append(f"    cursor_type: {proposal.cursor_type}")
        else:
            lines.append(f"    mode: full  # {proposal.cursor_reason}")
    elif "{date}" not in str(candidate.where.get("path")):
        lines.append("    mode: full  # no day in its name: taken for the whole, written anew. snapshot notices deletions too")
    lines += [f"    # {note}" for note in proposal.notes]
    lines.append("    columns:")
    for one in proposal.columns:
        lines += _column(one)
    for column in proposal.missing:
        lines.append(f"      # {column}: nothing was found for it, and rows without it are set aside")
    if proposal.unmatched:
        lines.append("    # not described, and left out until they are:")
        lines += [f"    #   {_unmatched(one)}" for one in proposal.unmatched]
    lines.append("    expect: {empty_day: ok}  # stop, where a day without a changed row cannot be")
    return lines


def _column(one: Proposed) -> list[str]:
    extra: dict[str, Any] = {}
    if one.format:
        extra["format"] = one.format
    if one.decimal:
        extra["decimal"] = one.decimal
    if one.values:
        extra["values"] = one.values
    said = [one.reason] if one.confidence < SURE or not one.reason.startswith("by its name") else []
    said += ["not sure"] if one.confidence < SURE else []
    said += [one.remark] if one.remark else []
    if one.unknown_codes:
        said.append(f"name these codes too: {', '.join(one.unknown_codes)}")
    if one.hidden_codes:
        further = " further" if one.unknown_codes else ""
        said.append(f"{one.hidden_codes}{further} code{'' if one.hidden_codes == 1 else 's'} to be named")
    comment = f"  # {'; '.join(said)}" if said else ""
    if not extra:
        return [f"      {one.column}: {_scalar(one.source)}{comment}"]
    body = f"{{from: {_scalar(one.source)}, {', '.join(f'{key}: {_flow(value)}' for key, value in extra.items())}}}"
    line = f"      {one.column}: {body}{comment}"
    return [line] if len(line) <= _WIDTH + 46 else [f"      {one.column}:{comment}", f"        {body}"]


def _unmatched(one: ColumnProfile) -> str:
    share = f"{one.filled_share:.0%} filled" if one.rows else "no rows"
    return f"{one.name}: {one.kind}, {share}, {one.distinct:,} different"


def _flow(value: Any) -> str:
    """Return a value as YAML on one line."""
    if value is None:
        return "null"
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{_scalar(str(key))}: {_flow(one)}' for key, one in value.items())}}}"
    return _scalar(str(value))


def _scalar(text: str) -> str:
    """Return a text as YAML, quoted wherever YAML could take it for something else."""
    return text if _PLAIN.match(text) and text.casefold() not in _WORDS else json.dumps(text, ensure_ascii=False)
