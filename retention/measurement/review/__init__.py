"""The weekly strategy review: which groups fall behind, what speaks to them, what to reconsider, why customers complained."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from retention.measurement.kpis import binds_of, kpi_query, kpis_over
from retention.measurement.review.build import PLAYS_DAYS, Review, build_review, publish_review
from retention.measurement.review.write import write_review
from retention.warehouse import Run

__all__ = ["Review", "is_due", "review_strategy"]


def is_due(run: Run) -> bool:
    """Whether the run closes a week: a review is made once, on the weekday of the setting."""
    return run.as_of_date.isoweekday() == run.settings.measurement.review_weekday


def review_strategy(run: Run, folder: Path) -> dict[str, Any]:
    """Make, publish and write the review as of the run's date.

    Parameters
    ----------
    run : Run
        Its segments, KPIs and effects must be published.
    folder : Path
        Where the pages go.

    Returns
    -------
    Rows by table, and under ``findings`` how many groups are flagged.
    """
    binds = {**binds_of(run), "plays_since": run.as_of_date - timedelta(days=PLAYS_DAYS)}
    with run.warehouse.connect() as connection:
        plays = connection.execute(sa.text(kpi_query("bi/_review_plays")), binds).all()
    review = build_review(run, kpis_over, plays)
    published = publish_review(review)
    write_review(review, folder)
    return {**published, "findings": len(review.flagged)}
