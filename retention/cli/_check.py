"""``retention source check NAME``: what the next run would find in a source that is described."""

from __future__ import annotations

import json
import sys
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from rich.console import Console

from retention.cli._judge import Verdicts, judge_if_possible
from retention.cli._look import line, profile_section, shown_columns
from retention.cli._shared import now_in, open_databases
from retention.report import print_section
from retention.settings import Settings, load_settings
from retention.sources import EntitySpec, SourceError, SourceSpec
from retention.sources.columns import SeenColumn, last_published
from retention.sources.families import is_widened
from retention.sources.preview import Conformed, conform_sample
from retention.sources.profile import ColumnProfile, keys_of, profile
from retention.sources.read import source_url
from retention.sources.spec import canonical_columns
from retention.warehouse import RetentionError


@dataclass
class Findings:
    """What a check of one entity says: what would stop the next run, and what is worth knowing."""

    source: str
    entity: str
    where: str
    rows: int = 0
    stops: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    columns: list[dict[str, Any]] = field(default_factory=list)


def check_source(
    out: Console, spec: SourceSpec, entities: Sequence[str], rows: int, timeout_s: int, form: str = "table"
) -> bool:
    """Check entities of a described source and print what was found; return whether the next run would go through."""
    settings = load_settings()
    now = now_in(settings)
    address = source_url(spec)
    found = []
    for name in entities:
        entity = spec.entities[name]
        findings = Findings(spec.source, name, entity.where)
        profiles: dict[str, ColumnProfile] = {}
        try:
            conformed = conform_sample(spec, entity, address, rows, now, timeout_s)
            if conformed.has_header:
                profiles = profile(conformed.sample, spec.timezone, shown_columns(entity))
            _look(spec, entity, conformed, profiles, findings, settings, now)
        except SourceError as error:
            findings.stops.append(str(error))
        ours = reads(entity)
        findings.columns = [{**asdict(one), "ours": ours.get(one.name, [])} for one in profiles.values()]
        found.append(findings)
        if form == "table":
            _print(out, findings, list(profiles.values()), ours)
    if form == "json":
        sys.stdout.write(json.dumps([asdict(one) for one in found], ensure_ascii=False, default=str, indent=2) + "\n")
    stops = sum(bool(one.stops) for one in found)
    if form == "table":
        out.print()
        if stops:
            out.print(line((f"{stops} of {len(found)} entities would stop the next run  会中断下一次运行", "bold red")))
        else:
            out.print(line(("nothing would stop the next run  未发现会中断运行的问题", "bold green")))
    return not stops


def reads(entity: EntitySpec) -> dict[str, list[str]]:
    """Return the columns of a source and which of ours each fills."""
    if entity.columns is None:
        return {name: [name] for name in canonical_columns(entity.entity)}
    found: defaultdict[str, list[str]] = defaultdict(list)
    for ours, column in entity.columns.items():
        for theirs in column.reads:
            found[theirs].append(ours)
    return dict(found)


def _look(
    spec: SourceSpec,
    entity: EntitySpec,
    conformed: Conformed,
    profiles: Mapping[str, ColumnProfile],
    findings: Findings,
    settings: Settings,
    now: datetime,
) -> None:
    sample = conformed.sample
    findings.where, findings.rows = sample.where, sample.rows
    findings.notes += [*sample.notes, f"{sample.rows:,} rows read{', which is all' if sample.is_whole else ''}"]
    if conformed.missing:
        findings.stops.append(f"no column {', '.join(conformed.missing)}; {conformed.missing_hint}")
    findings.notes += _freshness(entity, sample.newest, now)
    if sample.rows:
        _look_at_key(entity, conformed, findings)
    _look_at_types(spec, entity, profiles, findings, is_typed=sample.is_typed)
    if conformed.unmapped and conformed.has_header and entity.columns is not None:
        findings.notes.append(f"not described and left out: {', '.join(sorted(conformed.unmapped))}")
    for name, count in conformed.oddities.unknown.items():
        policy = entity.columns[name].unknown if entity.columns else "judge"
        target = findings.stops if policy == "stop" else findings.notes
        target.append(f"{name}: {count:,} rows have codes that its values do not name (unknown: {policy})")
    verdicts = judge_if_possible(spec, entity.entity, conformed.rows, settings)
    if verdicts is None:
        findings.notes.append("no warehouse answers, so no rule was applied: retention init")
    elif sample.rows:
        _look_at_rules(verdicts, sample.rows, settings, findings)


def _freshness(entity: EntitySpec, newest: str | None, now: datetime) -> list[str]:
    if entity.cursor is None:
        return [] if newest is None else [f"newest file of {newest}"]
    if newest is None:
        return [f"the newest {entity.cursor} is not known"]
    try:
        moment = datetime.fromisoformat(newest)
    except ValueError:
        return [f"newest {entity.cursor} {newest}"]
    days = (now.date() - moment.date()).days
    age = f"{days} days ago" if days > 1 else "yesterday" if days == 1 else "today" if days == 0 else f"{-days} days ahead"
    return [f"newest {entity.cursor} {moment:%Y-%m-%d %H:%M} ({age})"]


def _look_at_key(entity: EntitySpec, conformed: Conformed, findings: Findings) -> None:
    key = ", ".join(entity.key)
    if any(name not in conformed.sample.columns for name in entity.key):
        return
    if keys_of(conformed.sample, [entity.key]):
        findings.notes.append(f"key {key}: given and unique in the sample")
    else:
        findings.notes.append(f"key {key}: repeated or empty in the sample; rows that contradict each other are set aside")


def _look_at_types(
    spec: SourceSpec, entity: EntitySpec, profiles: Mapping[str, ColumnProfile], findings: Findings, *, is_typed: bool
) -> None:
    """Compare types with the last published batch, where there is one; only some databases tell types for certain."""
    before: Mapping[str, SeenColumn] = {}
    try:
        before = last_published(open_databases()[0], spec.source, entity.entity)
    except RetentionError:
        return
    described = set(reads(entity)) | {entity.cursor}
    for name, one in profiles.items():
        earlier = before.get(name)
        if not is_typed or earlier is None or earlier.type in (None, one.family) or one.kind == "empty":
            continue
        words = f"column {name} was {earlier.type} and is {one.family} now"
        if name not in described or is_widened(str(earlier.type), one.family):
            findings.notes.append(words)
        else:
            findings.stops.append(f"{words}: correct it, or retention source accept {spec.source} {entity.entity}")
    new = sorted(set(profiles) - set(before))
    if before and new:
        findings.notes.append(f"new since the last published batch: {', '.join(new)}")


def _look_at_rules(verdicts: Verdicts, rows: int, settings: Settings, findings: Findings) -> None:
    for rule, count in verdicts.rules.most_common():
        findings.notes.append(f"{rule} would set aside {count:,} of {rows:,} rows")
    share = verdicts.refused_rows / rows
    if share > settings.ingest.quarantine_stop_share:
        findings.stops.append(
            f"{verdicts.refused_rows:,} of {rows:,} rows break a rule, more than quarantine_stop_share "
            f"({settings.ingest.quarantine_stop_share:.0%})"
        )


def _print(out: Console, findings: Findings, profiles: Sequence[ColumnProfile], ours: Mapping[str, Sequence[str]]) -> None:
    title = f"{findings.source} {findings.entity}: {findings.where}"
    print_section(out, profile_section(title, profiles, ours))
    for note in findings.notes:
        out.print(line(("  · ", "dim"), note))
    for stop in findings.stops:
        out.print(line(("  ✗ ", "bold red"), (stop, "red")))
