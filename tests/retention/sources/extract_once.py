"""Extract one entity of the tiny company in a process of its own: what the kill tests kill."""

from __future__ import annotations

import sys
from datetime import date
from pathlib import Path

from retention.deployment import Secrets
from retention.settings import Settings
from retention.sources import extract, load_specs
from retention.warehouse import Attempt, Run, Warehouse

if __name__ == "__main__":
    url, specs, source, entity, day, try_number = sys.argv[1:]
    run = Run(
        business_date=date.fromisoformat(day),
        warehouse=Warehouse(url, "killed"),
        settings=Settings(),
        attempt=Attempt("test", "run-1", "extract", int(try_number)),
        secrets=Secrets(pepper=b"a-pepper-for-tests-only-0123456789abcdef"),
    )
    spec = {spec.source: spec for spec in load_specs(Path(specs))}[source]
    print(extract(run, spec, entity))
