"""Texts from the warehouse with the labels they came with. They stay in memory: no file, log or table gets them."""

from __future__ import annotations

from datetime import datetime, timedelta

import pandas as pd

from retention.warehouse import Run, read_arrow, sql_file

COLUMNS = (
    "text_kind", "text_key", "customer_key", "happened_at", "state_at", "written", "stated_topic", "stated_sentiment",
    "stated_severity",
)  # fmt: skip


def texts(run: Run, days: int) -> pd.DataFrame:
    """Texts of so many days before the run's as-of date, as they stood then, by kind and key.

    Returns
    -------
    DataFrame: text_kind, text_key, customer_key (null for mentions), happened_at, state_at, written, and stated_topic,
        stated_sentiment, stated_severity (lower case, null where the source gave none).
    """
    since: datetime = run.as_of - timedelta(days=days)
    table = read_arrow(run.warehouse, sql_file("scores/_texts"), {"as_of": run.as_of, "since": since})
    frame: pd.DataFrame = table.to_pandas(integer_object_nulls=True)  # a key must not become a float
    frame["customer_key"] = frame["customer_key"].astype("Int64")
    return frame.loc[:, list(COLUMNS)]
