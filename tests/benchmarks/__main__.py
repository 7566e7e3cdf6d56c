"""``python -m tests.benchmarks [NAME …]``: run the named benchmarks and print their tables; ``bulk protocol day`` when none is named.

Every module beside this one that has a ``measure`` is one; the larger ones (``ingest``, ``publish``, ``identity`` …) say in
their first lines how long they take. ``RETENTION_BENCH_HOME`` names a folder to keep the server in: it is made there, left running,
and found again by the next run, so that a benchmark which can go on with the data that it left does not make them again.
"""

from __future__ import annotations

import importlib
import os
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.table import Table

from retention.warehouse.embedded import EmbeddedPostgres

DEFAULT = ("bulk", "protocol", "day")


def main(names: list[str]) -> None:
    console = Console()
    console.print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} at the start")
    kept = os.environ.get("RETENTION_BENCH_HOME")
    if kept:
        server = EmbeddedPostgres(Path(kept))
        server.start()
        _measure(names, server, console)
        return
    with tempfile.TemporaryDirectory(prefix="retention-bench-", dir="/var/tmp") as folder:
        home = Path(folder)
        home.chmod(0o755)
        server = EmbeddedPostgres(home)
        server.start()
        try:
            _measure(names, server, console)
        finally:
            server.stop()


def _measure(names: list[str], server: EmbeddedPostgres, console: Console) -> None:
    for name in names or DEFAULT:
        title, columns, rows = importlib.import_module(f"tests.benchmarks.{name}").measure(server, console)
        table = Table(*columns, title=title)
        for row in rows:
            table.add_row(*(f"{value:,.2f}" if isinstance(value, float) else str(value) for value in row))
        console.print(table)


if __name__ == "__main__":
    main(sys.argv[1:])
