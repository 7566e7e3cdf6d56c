"""The tiny company with payloads in every text column of every row, and one row more per column and payload."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.abuse.catalogue import CONTROL_PAYLOADS, ENTITIES, OWN_KEY, PAYLOADS, good_row, kind_of
from tests.abuse.day import own_key
from tests.tiny import FIRST_DAY, TinyCompany

Attack = tuple[str, str, str, str]
"""Entity, column, payload, own key of the row."""
SOURCE_OF = {
    **dict.fromkeys(("customer", "customer_tag", "consent", "referral", "points_entry", "contract", "holding"), "crm"),
    **dict.fromkeys(("product", "order", "order_line", "market_indicator"), "sales"),
    **dict.fromkeys(("complaint", "interaction", "survey_answer", "campaign_event", "external_mention"), "service_desk"),
}
ALL = [*PAYLOADS, *CONTROL_PAYLOADS]


def attack(company: TinyCompany) -> list[Attack]:
    """Rewrite the first day's files; returns what was put where."""
    with (company.home / "retention.toml").open("a") as settings:
        settings.write("\n[ingest]\nquarantine_stop_share = 1.0\n")
    return [sent for entity in ENTITIES for sent in _attack_file(company, entity)]


def _attack_file(company: TinyCompany, entity: str) -> Iterator[Attack]:
    path = company.home / "sources" / SOURCE_OF[entity] / f"{entity}_{FIRST_DAY.isoformat()}.csv"
    rows: list[dict[str, Any]] = [*_laden(entity, path), good_row(entity)]
    own, number = OWN_KEY[entity], 500_000
    for column in ENTITIES[entity]:
        for payload in ALL:
            number += 1
            key = own_key(entity, number)
            rows.append(good_row(entity, **{own: key, column: payload}))
            yield entity, column, payload, payload if column == own else key
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, ENTITIES[entity])
        writer.writeheader()
        writer.writerows({name: "" if row.get(name) is None else row[name] for name in ENTITIES[entity]} for row in rows)


def _laden(entity: str, path: Path) -> list[dict[str, Any]]:
    """The company's own rows with a payload in each column that takes any text: people in audiences carry them along."""
    with path.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    free = [name for name in ENTITIES[entity] if kind_of(entity, name) == "text" and name != "channel"]
    for number, row in enumerate(rows):
        for offset, name in enumerate(free):
            row[name] = ALL[(number * 7 + offset) % len(ALL)].replace("\x00", "")
    return rows
