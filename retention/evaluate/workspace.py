"""A warehouse of its own for one evaluation: made in a folder of the machine's temporary files, gone afterwards."""

from __future__ import annotations

import secrets
import shutil
import signal
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from retention.deployment import Secrets
from retention.evaluate.ledger import Ledger, keys_of
from retention.warehouse import Warehouse, ingest_arrow, migrate
from retention.warehouse.embedded import EmbeddedPostgres

SOURCE = "evaluate"
_ORIGIN: dict[str, Any] = {"source": SOURCE, "batch_id": 1, "is_simulated": False}


@contextmanager
def workspace() -> Iterator[Warehouse]:
    """Open an empty, migrated warehouse that nobody else sees and that leaves nothing behind."""
    with ended_in_order(), tempfile.TemporaryDirectory(prefix="retention-evaluate-") as name:
        folder = Path(name)
        folder.chmod(0o711)  # run by root, the server is another user's and must get in
        server = EmbeddedPostgres(folder, durable=False)
        warehouse: Warehouse | None = None
        try:
            server.start()
            server.ensure_databases(["warehouse"])
            warehouse = Warehouse(server.url("warehouse"), "retention evaluate")
            migrate(warehouse, "warehouse")
            yield warehouse
        finally:
            if warehouse is not None:
                warehouse.dispose()
            server.stop()
            if server.data.parent != server.folder:
                shutil.rmtree(server.data.parent, ignore_errors=True)


@contextmanager
def ended_in_order() -> Iterator[None]:
    """Leave blocks in order when the process is told to end or its terminal is closed.

    By default the process would be gone at once: the server would run on, and the customers' orders would stay in its files.
    """
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread may say what signals do
        return
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        for number in before:
            signal.signal(number, lambda told, _: sys.exit(128 + told))
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def throw_away_secrets() -> Secrets:
    """Secrets for a warehouse that is thrown away."""
    return Secrets(pepper=secrets.token_bytes(32))


def load(warehouse: Warehouse, ledger: Ledger, complaints: pd.DataFrame | None, customers: pd.DataFrame | None) -> None:
    """Fill core with a ledger, and with complaints and customers where there are any."""
    _entries(warehouse, ledger.entries)
    _headers(warehouse, ledger.orders)
    if len(ledger.lines):
        _lines(warehouse, ledger.lines)
    if complaints is not None and len(complaints):
        _copy(warehouse, "core.complaint", complaints.assign(**_ORIGIN))
    _customers(warehouse, ledger, complaints, customers)
    with warehouse.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        for table in ("order_entry", "order_header", "order_line", "customer", "complaint"):
            connection.exec_driver_sql(f"vacuum (analyze) core.{table}")


def _entries(warehouse: Warehouse, entries: pd.DataFrame) -> None:
    frame = entries.assign(gross_minor=entries["net_minor"] + entries["discount_minor"], **_ORIGIN)
    frame = frame.rename(columns={"gap_days": "days_since_previous_order"})
    whole = {"order_number": "Int32", "sequence": "int32", "order_count": "int32"}
    minor = dict.fromkeys(("net_minor", "gross_minor", "discount_minor", "order_key", "customer_key"), "int64")
    _copy(warehouse, "core.order_entry", frame.astype({**whole, **minor}), ("days_since_previous_order",))


def _headers(warehouse: Warehouse, orders: pd.DataFrame) -> None:
    """Orders that name a channel or a coupon; features read nothing else from headers."""
    named = orders[orders["channel"].notna() | orders["coupon"].notna()]
    if named.empty:
        return
    frame = named[["order_key", "customer_key", "paid_at", "net_minor", "discount_minor", "channel"]].assign(
        source_customer_key=named["customer_key"],
        order_id=named["order_key"].astype(str),
        ordered_at=named["paid_at"],
        currency="XXX",
        fx_rate=1.0,
        gross_minor=named["net_minor"] + named["discount_minor"],
        refund_minor=named["refund_minor"],
        gross_original=(named["net_minor"] + named["discount_minor"]) / 100,
        coupon_code=named["coupon"],
        **_ORIGIN,
    )
    _copy(warehouse, "core.order_header", frame, ("fx_rate", "gross_original"))


def _lines(warehouse: Warehouse, lines: pd.DataFrame) -> None:
    frame = lines.sort_values(["order_key", "at"], kind="stable")
    product = frame["product"].fillna(frame["category"]).fillna("?").astype(str)
    units = frame["quantity"].abs().clip(lower=1e-6)
    gross = frame["amount_minor"] + frame["discount_minor"]
    table = frame[["order_key", "customer_key"]].assign(
        line_number=(frame.groupby("order_key", sort=False).cumcount() + 1).astype("int32"),
        product_key=keys_of(product),
        category_1=frame["category"].astype("string"),
        happened_at=frame["at"],
        quantity=units,
        unit_price_minor=np.round(gross / units).clip(-(2**62), 2**62).astype("int64"),
        gross_minor=gross,
        discount_minor=frame["discount_minor"],
        net_minor=frame["amount_minor"],
        returned_quantity=0.0,
        **_ORIGIN,
    )
    _copy(warehouse, "core.order_line", table, ("quantity", "returned_quantity"))


def _customers(warehouse: Warehouse, ledger: Ledger, complaints: pd.DataFrame | None, customers: pd.DataFrame | None) -> None:
    """Everybody who ordered or complained, known from the first thing that is known of them."""
    first = [ledger.orders.groupby("customer_key")["paid_at"].min()]
    if complaints is not None and len(complaints):
        first.append(complaints.groupby("customer_key")["opened_at"].min())
    known = pd.concat(first).groupby(level=0).min()
    is_test = pd.Series(False, index=known.index)
    if customers is not None:
        listed = customers.drop_duplicates("customer_key").set_index("customer_key")
        is_test |= listed["is_test"].reindex(known.index, fill_value=False).astype(bool)
        since = listed["member_since"].reindex(known.index)
        known = known.where(since.isna() | (since > known), since)
    frame = pd.DataFrame(
        {"customer_key": known.index, "valid_from": known.to_numpy(), "member_since": known.to_numpy()}
    ).assign(customer_kind="consumer", is_test=is_test.to_numpy(), is_staff=False, **_ORIGIN)
    _copy(warehouse, "core.customer", frame)


def _copy(warehouse: Warehouse, table: str, frame: pd.DataFrame, numeric: tuple[str, ...] = ()) -> None:
    """Copy a frame into a table of core; columns in `numeric` go by way of floating point, because Arrow's copy cannot."""
    columns = _columns_of(warehouse, table, frame)
    data = pa.Table.from_pandas(_with_zone(frame[columns]), preserve_index=False)
    if not numeric:
        ingest_arrow(warehouse, table, data)
        return
    names = ", ".join(columns)
    casts = ", ".join(f"round(cast({name} as numeric), 6)" if name in numeric else name for name in columns)
    types = ", ".join(f"alter column {name} type double precision" for name in numeric)
    with warehouse.begin() as connection:
        connection.exec_driver_sql(
            f"create unlogged table staging.evaluate as select {names} from {table} with no data;"
            f"alter table staging.evaluate {types}"
        )
    ingest_arrow(warehouse, "staging.evaluate", data)
    with warehouse.begin() as connection:
        connection.exec_driver_sql(f"insert into {table} ({names}) select {casts} from staging.evaluate")
        connection.exec_driver_sql("drop table staging.evaluate")


def _columns_of(warehouse: Warehouse, table: str, frame: pd.DataFrame) -> list[str]:
    from retention.warehouse import load_contract

    return [column.name for column in load_contract(table).columns if column.name in frame.columns]


def _with_zone(frame: pd.DataFrame) -> pd.DataFrame:
    """Times are kept without a zone here and are UTC."""
    changed: dict[str, Any] = {
        name: frame[name].dt.tz_localize("UTC").astype("datetime64[us, UTC]")
        for name in frame.columns
        if pd.api.types.is_datetime64_any_dtype(frame[name]) and frame[name].dt.tz is None
    }
    return frame.assign(**changed)
