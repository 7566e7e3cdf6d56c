"""The sample company: the same every time, read without a word by the shipped descriptions, released a day at a time."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import psycopg
import pytest

from retention import samples
from retention.samples.systems import SampleRefused
from retention.samples.timeline import Timeline, as_of, midnight
from retention.settings import PROJECT_ROOT
from retention.sources import extract, load_specs
from retention.warehouse import Run

TODAY = date(2026, 3, 18)


@pytest.fixture
def urls(make_database: Callable[[str], str]) -> dict[str, str]:
    return {"CRM": make_database("empty"), "SALES": make_database("empty")}


def scalar(url: str, query: str) -> Any:
    with psycopg.connect(url) as connection:
        row = connection.execute(query.encode()).fetchone()
    assert row is not None
    return row[0]


@pytest.mark.parametrize(
    ("today", "last"),
    [(date(2026, 3, 18), date(2026, 3, 15)), (date(2026, 3, 16), date(2026, 3, 15)), (date(2026, 3, 15), date(2026, 3, 8))],
    ids=["in the week", "on Monday", "on Sunday, which is not over"],
)
def test_last_released_day_is_the_last_sunday_that_is_over(today: date, last: date) -> None:
    timeline = Timeline.ending(today)
    assert (timeline.last_released, timeline.shift_days % 7, len(timeline.held_days)) == (last, 0, 28)


def test_rows_as_of_a_day_hide_what_came_later() -> None:
    frame = pd.DataFrame({"who": ["Ana", "Bo"], "made": pd.to_datetime(["2026-03-01", "2026-03-05"]).astype("datetime64[us]"),
                          "back": pd.to_datetime(["2026-03-04", None]).astype("datetime64[us]"), "amount": [5.0, 0.0]})  # fmt: skip
    seen = as_of(frame, "made", {"back": (("amount", 0.0),)}, "changed", midnight(date(2026, 3, 3)))
    assert seen[["who", "amount", "changed"]].to_dict("records") == [
        {"who": "Ana", "amount": 0.0, "changed": pd.Timestamp("2026-03-01")}
    ]
    assert as_of(frame, "made", {"back": (("amount", 0.0),)}, "changed", midnight(date(2026, 3, 6)))["amount"].tolist() == [
        5.0,
        0.0,
    ]


def test_made_once_released_by_day_and_read_by_the_shipped_descriptions(
    tmp_path: Path, urls: dict[str, str], make_run: Callable[..., Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[float] = []
    made = samples.create(tmp_path, urls, TODAY, "small", lambda what, share: told.append(share))
    assert made["state"] == "made"
    assert told == sorted(told)
    assert told[-1] == 1.0
    # A second call, days later, changes nothing: dates are shifted once.
    again = samples.create(tmp_path, urls, TODAY + timedelta(days=9), "small")
    assert (again["state"], again["last_released"]) == ("present", "2026-03-15")

    for name, value in {**urls, "SERVICE_DESK": str(tmp_path / "sample" / "service_desk")}.items():
        monkeypatch.setenv(f"RETENTION_SOURCE_{name}_URL", value)
    specs = load_specs(PROJECT_ROOT / "include" / "sources")
    landed = {entity: extract(make_run(date(2026, 3, 15)), spec, entity) for spec in specs for entity in spec.entities}
    assert len(landed) == 16
    assert all(result["rows"] > 0 and not result["notes"] for result in landed.values())
    assert landed["order"]["rows"] == made["rows"]["ticket"]
    assert landed["customer"]["rows"] == made["rows"]["t_contact"] + made["rows"]["t_lead"]

    # Nothing of a held day is out; a released one brings new and changed rows, once.
    assert str(scalar(urls["SALES"], "select max(changed_on) from ticket")) < "2026-03-16"
    before = scalar(urls["SALES"], "select count(*) from ticket")
    first = samples.release(date(2026, 3, 16), tmp_path, urls)
    assert list(first["released"]) == ["2026-03-16"]
    assert first["released"]["2026-03-16"]["files"] == 4
    assert samples.release(date(2026, 3, 16), tmp_path, urls)["released"] == {}
    fresh = scalar(urls["SALES"], "select count(*) from ticket where opened_on >= '2026-03-16'")
    assert scalar(urls["SALES"], "select count(*) from ticket") == before + fresh
    assert fresh > 0

    everything = samples.release(date(2026, 12, 31), tmp_path, urls)
    assert (everything["through"], everything["left"], len(everything["released"])) == ("2026-04-12", 0, 27)
    assert (
        scalar(urls["SALES"], "select count(*) from ticket where opened_on < '2026-03-16' and changed_on >= '2026-03-16'") > 0
    )
    assert scalar(urls["CRM"], "select count(*) from t_permission where answer = 'N' and modified_on >= '2026-03-16'") > 0


def test_points_never_go_below_zero_and_lines_add_up(tmp_path: Path, urls: dict[str, str]) -> None:
    samples.create(tmp_path, urls, TODAY, "small")
    assert scalar(
        urls["CRM"],
        "select min(balance) from (select sum(points) over (partition by contact_no order by booked_on, entry_no) as balance "
        "from t_points_book where entry_type in ('E', 'R', 'X')) as running",
    ) >= 0  # fmt: skip
    assert scalar(
        urls["SALES"],
        "select count(*) from (select ticket_no, sum(round(qty * unit_price, 2)) as gross, sum(amount_off) as off from ticket_line "
        "where line_no < 900 group by ticket_no) as lines join ticket using (ticket_no) "
        "where abs(gross - amount_list) > 0.02 or off <> ticket.amount_off",
    ) == 0  # fmt: skip


def test_interrupted_making_is_made_anew_with_the_same_dates(
    tmp_path: Path, urls: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from retention.samples import systems

    def broken(*_: Any) -> dict[str, int]:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(systems, "write_exports", broken)
        with pytest.raises(KeyboardInterrupt):
            samples.create(tmp_path, urls, TODAY, "small")
    with pytest.raises(Exception, match="no complete sample company"):
        samples.release(TODAY, tmp_path, urls)
    finished = samples.create(tmp_path, urls, TODAY + timedelta(days=14), "small")
    assert (finished["state"], finished["last_released"]) == ("made", "2026-03-15")


def test_a_real_crm_is_never_overwritten(tmp_path: Path, urls: dict[str, str]) -> None:
    with psycopg.connect(urls["SALES"]) as connection:
        connection.execute("create table ticket (real text)")
    with pytest.raises(SampleRefused, match="holds 1 tables that are not the sample company's"):
        samples.create(tmp_path, urls, TODAY, "small")
    assert scalar(urls["SALES"], "select count(*) from ticket") == 0
    assert scalar(urls["CRM"], "select count(*) from pg_tables where schemaname = 'public'") == 0
