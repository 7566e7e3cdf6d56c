"""Validate or publish one landed day in a process of its own: what the kill tests kill."""

from __future__ import annotations

import sys
from datetime import date

from retention.conform import publish_core
from retention.deployment import Secrets
from retention.quality import validate
from retention.settings import Settings
from retention.warehouse import Attempt, Run, Warehouse

if __name__ == "__main__":
    url, stage, day, try_number = sys.argv[1:]
    run = Run(
        business_date=date.fromisoformat(day),
        warehouse=Warehouse(url, "killed"),
        settings=Settings(),
        attempt=Attempt("test", "run-1", stage, int(try_number)),
        secrets=Secrets(pepper=b"a-pepper-for-tests-only-0123456789abcdef"),
    )
    {"validate": validate, "publish_core": publish_core}[stage](run)
