"""Measure proposals on a year of a grocer's real orders (Complete Journey), held out by time, and print the tables.

``python -m retention.models.next_best`` loads the data into a throw-away embedded warehouse. It takes a few minutes;
``--households 300`` takes less.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

from retention.deployment import Secrets
from retention.models.metrics import Measured
from retention.models.next_best.complete_journey import TIMEZONE, load
from retention.models.next_best.measure import HitRates, date_errors, hit_rates
from retention.settings import Settings
from retention.warehouse import Attempt, Run, Warehouse, migrate
from retention.warehouse.embedded import EmbeddedPostgres

DATES = (date(2017, 8, 28), date(2017, 10, 23), date(2017, 11, 27))
HORIZON_DAYS = 28
NEXT_PURCHASE_DAYS = 60


def main() -> None:
    """Load, measure at each date, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--households", type=int, help="only so many households, drawn from a fixed seed")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="retention-next-best-", dir="/var/tmp") as name:
        home = Path(name)
        home.chmod(0o711)
        server = EmbeddedPostgres(home, durable=False)
        server.start()
        try:
            server.ensure_databases(["journey"])
            warehouse = Warehouse(server.url("journey"), application_name="next-best")
            migrate(warehouse, "warehouse")
            load(warehouse, arguments.households)
            for line in report(warehouse):
                print(line, flush=True)
            warehouse.dispose()
        finally:
            server.stop()


def report(warehouse: Warehouse, dates: tuple[date, ...] = DATES) -> Iterator[str]:
    """Yield the tables as lines of Markdown, as they are measured."""
    yield "| as of | level | customers | list | at | ours | popularity | repeat-last |"
    yield "|---|---|---|---|---|---|---|---|"
    for as_of in dates:
        for level in ("category", "product"):
            print(f"{as_of} {level} …", file=sys.stderr, flush=True)
            yield from _lines(hit_rates(run_of(warehouse, as_of), as_of, level, HORIZON_DAYS))
    yield ""
    yield "| as of | pairs | expected date | own mean gap | product's gap | inside the stated interval |"
    yield "|---|---|---|---|---|---|"
    for as_of in dates:
        if as_of + timedelta(days=NEXT_PURCHASE_DAYS) <= date(2018, 1, 1):
            found = date_errors(run_of(warehouse, as_of), as_of, NEXT_PURCHASE_DAYS)
            yield (
                f"| {as_of} | {found['pairs']:,.0f} | {found['expected']:.1f} d | {found['own_mean_gap']:.1f} d | "
                f"{found['product_gap']:.1f} d | {found['inside_interval']:.1%} |"
            )


def run_of(warehouse: Warehouse, as_of: date) -> Run:
    """Make a run as of a date that measures on every household and not on a share of them."""
    settings = Settings()
    settings = replace(
        settings,
        company=replace(settings.company, base_currency="USD", business_timezone=TIMEZONE),
        associations=replace(settings.associations, most_lines=10_000_000),
    )
    attempt = Attempt("measure", "measure", "next_best")
    return Run(as_of - timedelta(days=1), warehouse, settings, attempt, Secrets(pepper=b"measured data are public" * 2))


def _lines(found: HitRates) -> Iterator[str]:
    for name, customers, rates in (("next", found.customers, found.measured), ("new", found.new_customers, found.new)):
        for metric in rates["challenger"]:
            cells = [_cell(rates[who][metric]) if who in rates else "" for who in ("challenger", "popularity", "repeat_last")]
            at = metric.rpartition("_")[2]
            yield f"| {found.as_of} | {found.level} | {customers:,} | {name} | {at} | {' | '.join(cells)} |"


def _cell(value: Measured) -> str:
    return "–" if value.value is None else f"{value.value:.3f} [{value.lower:.3f}, {value.upper:.3f}]"


if __name__ == "__main__":
    main()
