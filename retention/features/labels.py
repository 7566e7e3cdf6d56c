"""What purchasers did after a date: the labels of training and evaluation."""

from __future__ import annotations

from datetime import date, timedelta

import pandas as pd

from retention.settings import Settings, load_settings
from retention.warehouse import Warehouse, read_arrow, sql_file


def labels(warehouse: Warehouse, as_of: date, horizon_days: int, *, settings: Settings | None = None) -> pd.DataFrame:
    """Return what each purchaser as of a date ordered in the horizon after it.

    Only meaningful once the horizon is over: the caller sees to it that ``as_of + horizon_days`` lies in the past.

    Parameters
    ----------
    as_of : date
        D. The horizon is [D, D + horizon_days) in business days.
    horizon_days : int
        Length of the horizon, at least 1.
    settings : Settings, optional
        Where the business day is cut; default the installation's own settings.

    Returns
    -------
    DataFrame indexed by ``customer_key`` in ascending order, one row per purchaser as of D: ``has_order_within`` (bool),
        ``orders`` (orders paid in the horizon and not cancelled by its end), ``order_days`` (business days with one of them),
        ``net_minor`` (their net amount by its end, minor units; money given back in the horizon for earlier orders does
        not lower it) and ``days_to_next`` (business days from D to the first of them, 0 on D itself; nan without one).
    """
    if horizon_days < 1:
        raise ValueError(f"a horizon has at least 1 day, not {horizon_days}")
    settings = settings or load_settings()
    binds: dict[str, object] = {
        "as_of_date": as_of,
        "as_of": settings.day_start(as_of),
        "until": settings.day_start(as_of + timedelta(days=horizon_days)),
    }
    binds["business_timezone"] = settings.company.business_timezone
    rows: pd.DataFrame = read_arrow(warehouse, sql_file("features/_labels"), binds).to_pandas()
    return (
        rows.astype(
            {"has_order_within": bool, "orders": "int64", "order_days": "int64", "net_minor": "int64", "days_to_next": float}
        )
        .set_index("customer_key")
        .sort_index()
    )
