"""Linking day by day comes to what linking everybody at once comes to, whatever the days and the order."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date

import numpy as np
import pandas as pd
import pytest
import sqlalchemy as sa

from retention.identity import Decision, Resolution, link_members, normalise_email, normalise_phone, resolve, shipped_model
from retention.identity import candidates as candidates_module
from retention.samples.duplicates import ROUGH, simulate
from retention.settings import IngestSettings, Settings
from retention.warehouse import Run, Warehouse
from tests.conftest import PEPPER

# A small company in which names are common and blocks overflow, so that the limits are met on the way.
TIGHT = IngestSettings(linkage_block_limit=6)
NUMBER = "+8613912345601"
BLANK = {
    "source": "crm", "source_created_at": date(2025, 1, 1), "name": None, "email_normalised": None, "phone_e164": None,
    "birth_date": None, "gender": None, "city": None, "region": None, "wedding_anniversary": None, "customer_kind": "consumer",
}  # fmt: skip


def source_customers(people: int, seed: int) -> pd.DataFrame:
    """Simulated source customers in the form of ``pii.source_customer``."""
    simulated = simulate(people, seed, ROUGH)
    frame = simulated.drop(columns=["slips"]).rename(columns={"key": "source_customer_key", "created_at": "source_created_at"})
    frame["email_normalised"] = [normalise_email(v if isinstance(v, str) else None) for v in frame["email"]]
    frame["phone_e164"] = [normalise_phone(v if isinstance(v, str) else None) for v in frame["phone"]]
    return frame.astype(object).where(frame.notna(), None)


def write(run: Run, rows: pd.DataFrame) -> Resolution:
    """Store source customers as a day's publishing does, and link."""
    columns = [
        "source_customer_key", "source", "customer_id", "source_created_at", "name", "email_normalised", "phone_e164", "birth_date",
        "gender", "city", "region", "wedding_anniversary", "customer_kind",
    ]  # fmt: skip
    changed = ", ".join(f"{name} = excluded.{name}" for name in columns[1:])
    with run.warehouse.begin() as connection:
        connection.execute(
            sa.text(
                f"insert into pii.source_customer ({', '.join(columns)}, customer_key, batch_id, is_simulated) "
                f"values ({', '.join(':' + name for name in columns)}, :source_customer_key, 1, true) "
                f"on conflict (source_customer_key) do update set {changed}"
            ),
            rows[columns].to_dict("records"),
        )
        return resolve(connection, run, [int(key) for key in rows["source_customer_key"]], 1)


def stored(warehouse: Warehouse) -> pd.DataFrame:
    with warehouse.connect() as connection:
        found = connection.execute(
            sa.text("select source_customer_key, customer_key, rule from core.customer_alias order by 1")
        )
        return pd.DataFrame(found.all(), columns=["source_customer_key", "customer_key", "rule"])


def expected(rows: pd.DataFrame, settings: IngestSettings, decisions: list[Decision] | None = None) -> pd.DataFrame:
    return link_members(rows, shipped_model(), settings, PEPPER, decisions or ()).links


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_days_in_any_order_end_like_all_at_once(make_run: Callable[..., Run], warehouse: Warehouse, seed: int) -> None:
    rng = np.random.default_rng(seed)
    rows = source_customers(120, seed)
    run = make_run(settings=replace(Settings(), ingest=TIGHT))
    order = rng.permutation(len(rows))
    days = np.split(order, np.sort(rng.choice(np.arange(1, len(rows)), size=5, replace=False)))
    # Earlier states of some come first: other addresses, names and cities, corrected on a later day.
    for day in days:
        early = rows.iloc[day].copy()
        wrong = rng.random(len(early)) < 0.3
        for column in ("phone_e164", "email_normalised", "name", "birth_date"):
            early.loc[wrong, column] = rng.permutation(rows[column].to_numpy())[: wrong.sum()]
        write(run, early)
    for day in (rng.permutation(len(rows))[:200], order):
        write(run, rows.iloc[day])
    pd.testing.assert_frame_equal(stored(warehouse), expected(rows, TIGHT), check_dtype=False)
    with warehouse.connect() as connection:
        pairs = connection.execute(sa.text("select left_key, right_key, state from core.linkage_pair order by 1, 2")).all()
    whole = link_members(rows, shipped_model(), TIGHT, PEPPER).pairs
    assert [tuple(pair) for pair in pairs] == list(whole[["left", "right", "state"]].itertuples(index=False, name=None))
    # And again: nothing new, nothing changes.
    before = stored(warehouse)
    assert not write(run, rows.sample(50, random_state=seed)).moved
    pd.testing.assert_frame_equal(stored(warehouse), before)


def test_a_fourth_user_of_a_number_parts_the_first_three(
    make_run: Callable[..., Run], warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Nobody knows their names; three may be one person, four are a shop.
    users = pd.DataFrame(
        [{**BLANK, "source_customer_key": key, "customer_id": str(key), "phone_e164": NUMBER} for key in range(1, 5)]
    )
    run = make_run()
    write(run, users.iloc[:3])
    assert stored(warehouse)["customer_key"].nunique() == 1
    # Guard off: only the changed themselves are judged anew, and the three stay one for ever.
    with monkeypatch.context() as patch:
        patch.setattr(candidates_module, "_FOCUS", "select 0::bigint where {limit} < 0")
        write(run, users.iloc[3:])
    assert stored(warehouse)["customer_key"].nunique() == 2
    # Guard on: the same day again puts it right.
    write(run, users.iloc[3:])
    assert stored(warehouse)["customer_key"].nunique() == 4


def test_a_day_costs_by_what_changed(make_run: Callable[..., Run], warehouse: Warehouse) -> None:
    rows = source_customers(400, 7)
    run = make_run()
    first = write(run, rows)
    assert first.members == len(rows)
    second = write(run, rows.iloc[:5])
    assert second.members < 60
    assert second.compared < first.compared / 5


def test_keys_of_people_stay_when_records_are_added(make_run: Callable[..., Run], warehouse: Warehouse) -> None:
    rows = source_customers(200, 9).sort_values("source_created_at")
    run = make_run()
    half = len(rows) // 2
    write(run, rows.iloc[:half])
    before = stored(warehouse).set_index("source_customer_key")["customer_key"]
    write(run, rows.iloc[half:])
    after = stored(warehouse).set_index("source_customer_key")["customer_key"]
    # Younger records never rename a person; they may only join two into the older one, or part what they contradict.
    kept = (after.loc[before.index] == before).mean()
    assert kept > 0.97
    trail = pd.DataFrame(
        run_rows(warehouse, "select source_customer_key, old_customer_key, customer_key from core.identity_change"),
        columns=["key", "old", "new"],
    )
    moved = before.index[after.loc[before.index] != before]
    assert set(trail["key"]) == set(moved)


def run_rows(warehouse: Warehouse, query: str) -> list[tuple[object, ...]]:
    with warehouse.connect() as connection:
        return [tuple(row) for row in connection.execute(sa.text(query))]


def test_a_deleted_bridge_parts_people_again(make_run: Callable[..., Run], warehouse: Warehouse) -> None:
    # Hana in the shop and Hana in the app are one because the hotline knows both addresses; then the hotline corrects itself.
    shop = {**BLANK, "source_customer_key": 1, "source": "shop", "customer_id": "s", "email_normalised": "hana@x.cn"}
    app = {**BLANK, "source_customer_key": 2, "source": "app", "customer_id": "a", "phone_e164": NUMBER}
    bridge = {**shop, "source_customer_key": 3, "source": "hotline", "customer_id": "h", "phone_e164": NUMBER}
    run = make_run()
    write(run, pd.DataFrame([shop, app]))
    assert stored(warehouse)["customer_key"].nunique() == 2
    write(run, pd.DataFrame([bridge]))
    assert stored(warehouse)["customer_key"].nunique() == 1
    parted = write(run, pd.DataFrame([{**bridge, "phone_e164": None}]))
    assert parted.moved == {1: 2, 3: 2}
    assert stored(warehouse)["customer_key"].nunique() == 2
