"""Filling the feature tables of one as-of date."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from itertools import product

from retention.features.binds import feature_binds, key_ranges
from retention.quality import check_slices
from retention.warehouse import Run, sql_file, stage_writer

FEATURE_TABLES = (
    "features.customer_orders",
    "features.customer_basket",
    "features.customer_service",
    "features.customer_engagement",
)


def feature_sql(table: str) -> str:
    """Return the query of a feature table."""
    return sql_file(table.replace(".", "/"))


def build(run: Run) -> dict[str, int]:
    """Compute, check and publish all feature tables as of ``run.as_of_date``.

    Each table is one SELECT, run for ranges of customers side by side on ``settings.features.buckets`` connections.
    Safe to run again: the slices are replaced in one transaction.

    Returns
    -------
    Rows by table.

    Raises
    ------
    CheckFailed when a check of severity ``fail`` of a contract does not hold; nothing is published then.
    """
    buckets = run.settings.features.buckets
    binds = feature_binds(run.settings, run.as_of_date)
    with stage_writer(run, "features") as writer:
        for table in FEATURE_TABLES:
            writer.staging(table)

        def fill(part: tuple[str, dict[str, int]]) -> int:
            table, keys = part
            return writer.fill_select(table, feature_sql(table), {**binds, **keys})

        with ThreadPoolExecutor(max_workers=buckets) as pool:
            list(pool.map(fill, product(FEATURE_TABLES, key_ranges(buckets))))
        check_slices(writer)
        return writer.publish()
