"""Where every row of a delivery ended, counted from the tables and not by the product's own checks."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from retention.warehouse import Warehouse
from tests.abuse.catalogue import ENTITIES


@dataclass(frozen=True)
class Ends:
    """Rows of one source's entity: still in landing (valid), in quarantine, and what the batches say."""

    valid: int
    quarantined: int
    duplicate: int
    tombstoned: int
    extracted: int

    @property
    def found(self) -> int:
        """Rows that ended somewhere."""
        return self.valid + self.quarantined + self.duplicate + self.tombstoned


def ends(warehouse: Warehouse) -> dict[tuple[str, str], Ends]:
    """Count where rows ended, by source and entity."""
    with warehouse.connect() as connection:
        batches = connection.execute(
            sa.text(
                # A row that landed again from quarantine was extracted once, and lies in quarantine as replayed.
                "select source, entity, sum(rows_extracted) filter (where message is distinct from 'replay') as extracted, "
                "sum(rows_duplicate) as duplicate, sum(rows_tombstoned) as tombstoned from ops.batch where state in ('validated', 'published') "
                "and entity = any(:entities) group by 1, 2"
            ),
            {"entities": list(ENTITIES)},
        ).all()
        refused = _counter(
            connection, "select source, entity, count(*) from quarantine.\"row\" where state <> 'replayed' group by 1, 2"
        )
        valid: Counter[tuple[str, str]] = Counter()
        for entity in ENTITIES:
            valid += _counter(
                connection,
                f'select batch.source, batch.entity, count(*) from landing."{entity}" as landed '
                "inner join ops.batch as batch on landed.batch_id = batch.batch_id group by 1, 2",
            )
    return {
        (b.source, b.entity): Ends(
            valid[b.source, b.entity], refused[b.source, b.entity], int(b.duplicate), int(b.tombstoned), int(b.extracted)
        )
        for b in batches
    }


def _counter(connection: Any, query: str) -> Counter[tuple[str, str]]:
    return Counter({(row[0], row[1]): int(row[2]) for row in connection.execute(sa.text(query))})


def unexplained(warehouse: Warehouse) -> int:
    """Quarantined rows without source, entity, place, rule, reason, severity or batch."""
    with warehouse.connect() as connection:
        return int(
            connection.execute(
                sa.text(
                    'select count(*) from quarantine."row" where source is null or entity is null or position is null '
                    "or coalesce(btrim(rule), '') = '' or coalesce(btrim(reason), '') = '' or severity is null or batch_id is null "
                    "or run_id is null or row is null"
                )
            ).scalar_one()
        )
