"""``retention source check --url …``: a system nobody has described, and the description proposed for it."""

from __future__ import annotations

import json
import re
import sys
from dataclasses import asdict
from pathlib import Path

import typer
from rich.console import Console
from rich.text import Text

from retention.cli._look import line, profile_section
from retention.report import print_section
from retention.settings import load_settings
from retention.sources import SourceUnreadable, SpecError
from retention.sources.discovery import Candidate, Unread, discover, is_database
from retention.sources.draft import draft
from retention.sources.names import entities
from retention.sources.profile import profile
from retention.sources.proposal import Proposal, propose


def propose_source(
    out: Console,
    url: str,
    rows: int,
    source: str,
    *,
    table: str | None = None,
    path: str | None = None,
    entity: str | None = None,
    save: Path | None = None,
    timeout_s: int = 20,
    form: str = "table",
) -> None:
    """Profile what is behind an address and print (or save) a description that could be true.

    Raises
    ------
    SpecError when nothing there looks like anything known.
    """
    if not re.fullmatch(r"[a-z][a-z0-9_]*", source):
        raise typer.BadParameter("small letters, digits and underscores, beginning with a letter", param_hint="--source")
    if entity is not None and entity not in entities():
        raise typer.BadParameter(f"one of {', '.join(entities())}", param_hint="--entity")
    if save is not None and save.exists():
        raise typer.BadParameter(f"{save} exists and is not replaced", param_hint="--save")
    timezone = load_settings().company.business_timezone
    found: list[tuple[Candidate, Proposal]] = []
    strange: list[Candidate] = []
    unread: list[Unread] = []
    for candidate in discover(url, rows, table, path, timeout_s):
        if isinstance(candidate, Unread):
            unread.append(candidate)
            continue
        proposal = propose(candidate.sample, candidate.name, timezone, entity)
        if proposal is None:
            strange.append(candidate)
        else:
            found.append((candidate, proposal))
        if form == "table":
            _print_profile(out, candidate, proposal, timezone)
    text = draft(source, "sql" if is_database(url) else "files", timezone, found) if found else ""
    if form == "json":
        report = {
            "description": text,
            "proposals": [asdict(proposal) for _, proposal in found],
            "not_recognised": [candidate.sample.where for candidate in strange],
            "not_read": [asdict(one) for one in unread],
        }
        sys.stdout.write(json.dumps(report, ensure_ascii=False, default=str, indent=2) + "\n")
    elif text:
        out.print()
        out.print(line(("Proposed description", "bold"), ("  建议的数据源描述", "dim")))
        out.print()
        out.print(Text(text), soft_wrap=True)
        for candidate in strange:
            out.print(
                line(f"{candidate.sample.where} looks like nothing that is known: name it with --entity, or leave it out")
            )
        for one in unread:
            out.print(line(f"{one.name} was not read: {one.reason}"))
    if not text:
        for one in unread:
            out.print(line(f"{one.name} was not read: {one.reason}"))
        if not strange:
            raise SourceUnreadable("new source: nothing there could be read. Nothing was written.")
        tried = ", ".join(candidate.sample.where for candidate in strange)
        raise SpecError(f"new source: {tried}: no table or file looks like anything known. Name what it holds with --entity.")
    if save is not None:
        save.write_text(text, encoding="utf-8")
    if form == "table":
        if save is None:
            out.print("[dim]--save include/sources/NAME.yml writes it there; nothing was written[/]")
        else:
            out.print(line(f"written to {save}; then: retention source check {source}"))


def _print_profile(out: Console, candidate: Candidate, proposal: Proposal | None, timezone: str) -> None:
    profiles = profile(candidate.sample, timezone)
    ours = {one.source: [one.column] for one in proposal.columns} if proposal else {}
    if proposal:
        for one in proposal.columns:
            if one.column not in ours[one.source]:
                ours[one.source].append(one.column)
    holds = f"probably {proposal.entity} ({proposal.confidence:.0%})" if proposal else "not recognised"
    title = f"{candidate.sample.where}: {candidate.sample.rows:,} rows read, {holds}"
    print_section(out, profile_section(title, list(profiles.values()), ours))
