"""Sufficient statistics from SQL: distinct purchase histories with how many customers share each.

The database counts, and only the counts travel:

    histories = purchase_histories(run)
    BetaGeoNBD().fit(histories["frequency"], histories["recency"], histories["T"], histories["customers"])

Only this module of the package knows the warehouse, and the package does not import it.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from retention.features import require_published
from retention.warehouse import Run, read_frame, sql_file

DAYS_PER_WEEK = 7.0
TABLE = "features.customer_orders"


def purchase_histories(run: Run) -> pd.DataFrame:
    """Distinct purchase histories of the purchasers as of the run's date.

    Returns
    -------
    DataFrame: frequency (repeat purchases: order days after the first), recency and T (weeks, as everywhere in the
        product), customers (how many share the row). Ready for ``fit(frequency, recency, T, weights)``.

    Raises
    ------
    MissingSlice when the features of the date are not published.
    """
    found = _counted(run, "scores/_purchase_histories")
    return pd.DataFrame(
        {
            "frequency": found["repeat_order_days"],
            "recency": found["first_to_last_days"] / DAYS_PER_WEEK,
            "T": found["age_days"] / DAYS_PER_WEEK,
            "customers": found["count_customers"],
        }
    )


def repeat_order_values(run: Run) -> pd.DataFrame:
    """Distinct pairs of repeat purchases and their mean net value, of the customers that Gamma-Gamma may learn from.

    Returns
    -------
    DataFrame: frequency, mean_value (minor units), customers. Ready for ``fit(frequency, mean_value, weights)``.

    Raises
    ------
    MissingSlice when the features of the date are not published.
    """
    found = _counted(run, "scores/_repeat_order_values")
    return found.rename(
        columns={
            "repeat_order_days": "frequency",
            "repeat_order_value_mean_minor": "mean_value",
            "count_customers": "customers",
        }
    )


def _counted(run: Run, query: str) -> pd.DataFrame:
    require_published(run.warehouse, [TABLE], run.as_of_date)
    return read_frame(run.warehouse, sql_file(query), {"as_of_date": run.as_of_date}).astype(np.float64)
