"""Write the generated pages of the documentation: ``python docs/generate.py``; ``--check`` only compares.

======================  ========================================================
docs/settings.md        every business number, from the dataclasses
docs/data-dictionary.md every table and column, from the comments of a migrated database
docs/marketing-contract.md  what marketing tools may build on, from the same comments
docs/play-reference.md  the shipped plays and the attributes plays may ask about, from their files
docs/health.md          every check of health with its objective, from include/health/checks.yml
docs/kpis.md            every KPI with label, unit and formula, from the contract of bi.kpi_value
docs/messages.md        every message of the program with its heading in the runbook, from the code
docs/bi-columns.csv     names and types of the views for BI tools, as published; what is new is added
docs/dags.md            every DAG with schedule, tasks and order, from the DAG files
======================  ========================================================
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from docs.generators import bi_columns, dags, dictionary, health, kpis, messages, plays, settings

DOCS = Path(__file__).resolve().parent
PAGES: dict[str, Callable[[], str]] = {
    "settings.md": settings.page,
    "data-dictionary.md": dictionary.data_dictionary,
    "marketing-contract.md": dictionary.marketing_contract,
    "play-reference.md": plays.page,
    "health.md": health.page,
    "dags.md": dags.page,
    "messages.md": messages.page,
    "kpis.md": kpis.page,
    "bi-columns.csv": bi_columns.page,
}


def main(arguments: list[str] | None = None) -> int:
    """Write or compare the pages; return 1 when ``--check`` found one out of date."""
    parser = argparse.ArgumentParser(description="Write the generated pages of the documentation.")
    parser.add_argument("--check", action="store_true", help="write nothing; fail when a page is out of date")
    parser.add_argument("--only", choices=sorted(PAGES), action="append", help="only this page")
    options = parser.parse_args(arguments)
    stale = []
    for name in options.only or PAGES:
        text = render(name)
        path = DOCS / name
        if path.exists() and path.read_text(encoding="utf-8") == text:
            continue
        stale.append(name)
        if not options.check:
            path.write_text(text, encoding="utf-8")
            print(f"wrote docs/{name}")
    if options.check and stale:
        print(f"out of date: {', '.join(stale)}; run `make docs`", file=sys.stderr)
        return 1
    return 0


def render(name: str) -> str:
    """Return the text of one page. The DAG reference runs in a process of its own: Airflow reads its settings at import."""
    if name != "dags.md" or os.environ.get("AIRFLOW_HOME_FOR_DOCS"):
        return PAGES[name]()
    with tempfile.TemporaryDirectory() as folder:
        result = subprocess.run(
            [sys.executable, "-m", "docs.generators.dags"],
            cwd=DOCS.parent,
            env={**os.environ, **dags.environment(Path(folder))},
            check=False,
            capture_output=True,
            text=True,
        )
    if result.returncode != 0:
        raise SystemExit(f"the DAG files cannot be read:\n{result.stderr[-2000:]}")
    return result.stdout.partition(dags.MARK)[2]


if __name__ == "__main__":
    raise SystemExit(main())
