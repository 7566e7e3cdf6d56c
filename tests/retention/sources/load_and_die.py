"""Load with two writers in a process of its own and die when both have rows: what a kill test starts."""

from __future__ import annotations

import os
import signal
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa

import retention.sources.loading as module
from retention.sources.spec import load_spec
from retention.warehouse import Warehouse
from tests.retention.sources.test_loading import batches_of

if __name__ == "__main__":
    taken: dict[int, int] = {}
    ingest = module.ingest_arrow

    def counting(warehouse: Warehouse, table: str, data: Any) -> int:
        place = len(taken)
        taken[place] = 0

        def counted() -> Iterator[pa.RecordBatch]:
            for batch in data:
                taken[place] += batch.num_rows
                yield batch
                if len(taken) == 2 and min(taken.values()) > 2000:
                    print("two writers have rows", flush=True)
                    os.kill(os.getpid(), signal.SIGKILL)

        return ingest(warehouse, table, pa.RecordBatchReader.from_batches(data.schema, counted()))

    module.ingest_arrow = counting
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "shop.yml").write_text(
            "source: shop\nkind: sql\nconnection: SHOP\nentities:\n  survey_answer:\n    table: reply\n    key: [nr]\n    mode: full\n"
            "    columns: {answer_id: nr, comment: said}\n"
        )
        entity = load_spec(Path(folder) / "shop.yml").entities["survey_answer"]
    module.load(Warehouse(sys.argv[1], "killed"), entity, 1, batches_of(2_000_000))
