"""``python -m tests.benchmarks [NAME …]``: run the named benchmarks and print their tables; ``bulk protocol day`` when none is named.

Every module beside this one that has a ``measure`` is one; the larger ones (``ingest``, ``publish``, ``identity`` …) say in
their first lines how long they take.
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
    with tempfile.TemporaryDirectory(prefix="retention-bench-", dir="/var/tmp") as folder:
        home = Path(folder)
        home.chmod(0o755)
        server = EmbeddedPostgres(home)
        server.start()
        try:
            for name in names or DEFAULT:
                title, columns, rows = importlib.import_module(f"tests.benchmarks.{name}").measure(server, console)
                table = Table(*columns, title=title)
                for row in rows:
                    table.add_row(*(f"{value:,.2f}" if isinstance(value, float) else str(value) for value in row))
                console.print(table)
        finally:
            server.stop()


if __name__ == "__main__":
    main(sys.argv[1:])
