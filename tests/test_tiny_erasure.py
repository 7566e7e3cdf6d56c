"""Emma of the tiny company is erased after the first day and delivered again on the second."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from retention import pipeline
from retention.privacy import request_erasure
from retention.warehouse import all_contracts
from tests import tiny_expected as expected
from tests.oracle import violations
from tests.tiny import FIRST_DAY, PEPPER, SECOND_DAY, TinyCompany, installed
from tests.tiny_results import KEYS, ask, ordered, state

pytestmark = pytest.mark.slow

SHANGHAI = ZoneInfo("Asia/Shanghai")


@pytest.fixture(scope="module")
def erasure(server, templates, tmp_path_factory) -> Iterator[dict[str, Any]]:
    """The first day, Emma erased, and a second day that delivers her again: her record, an order, a complaint, a consent."""
    with installed(server, templates, tmp_path_factory.mktemp("erasure") / "home", "erasure") as company:
        yield erase_and_deliver_again(company)


def erase_and_deliver_again(company: TinyCompany) -> dict[str, Any]:
    """Run the days, and look for Emma before and after she is erased and once she was delivered again."""
    company.run_day(FIRST_DAY)
    found: dict[str, Any] = {"company": company, "before": traces_of_emma(company)}
    now = datetime(2026, 4, 1, 12, tzinfo=SHANGHAI)
    with company.entered():
        run = company.run_factory(FIRST_DAY)("erase")
        found["request"] = request_erasure(
            run.warehouse, requested_by="desk", now=now, source="crm", customer_id="C005", pepper=PEPPER
        )
        pipeline.privacy(run, now)
        pipeline.close(run)
    found["erased"] = traces_of_emma(company)
    company.deliver(SECOND_DAY)
    for source, entity, row in DELIVERED_AGAIN:
        path = company.home / "sources" / source / f"{entity}_2026-04-01.csv"
        path.write_text(path.read_text().rstrip("\n") + f"\n{row}\n")
    company.run_day(SECOND_DAY)
    return found | {"after": traces_of_emma(company)}


DELIVERED_AGAIN = (
    (
        "crm",
        "customer",
        "C005,Emma,emma@example.com,13800000005,female,1988-06-30,,Shenzhen,South,nurse,store,,consumer,,en,2024-11-01,false,"
        "2024-11-01 09:00:00,2026-04-01 18:00:00",
    ),
    ("crm", "consent", "K099,C005,marketing,all,granted,2026-04-01 18:00:00,sign-up form,2026-04-01 18:00:00"),
    (
        "sales",
        "order",
        "O1199,C005,2026-04-01 18:00:00,2026-04-01 18:05:00,,,CNY,500.00,0.00,0.00,store,S1,,,2026-04-01 18:05:00",
    ),
    ("sales", "order_line", "O1199,1,P1,5,100.00,0.00,0,,2026-04-01 18:05:00"),
    (
        "service_desk",
        "complaint",
        "X99,C005,O1199,app,quality,severe,Broken.,2026-04-01 19:00:00,2026-04-01 19:10:00,,,,,,,quality,2026-04-01 19:10:00",
    ),
)


def traces_of_emma(company: TinyCompany) -> set[str]:
    """Tables and files in which Emma is found by key, number or address; what has to stay as proof is left out."""
    # Numbers as words of their own: the hash of a play's file may hold the same letters.
    numbers = "(^|[^0-9a-z])(C005|O1020|O1021|O1199|X99)([^0-9a-z]|$)"
    words = rf"emma|13800000005|{numbers}|{KEYS['Emma']}"
    found = {
        str(path) for path in (company.home / "sources").rglob("*.csv") if re.search(words, path.read_text(), re.IGNORECASE)
    }
    for contract in all_contracts().values():
        if contract.kind == "view" or contract.table in ("privacy.tombstone", "privacy.request", "privacy.receipt"):
            continue
        url = company.marketing_url if contract.database == "marketing" else company.warehouse_url
        query = f'select count(*) from {contract.schema}."{contract.name}" as entry where cast(entry as text) ~* %s'
        if contract.table == "marketing.audience_change":  # tools have to read her removal
            query += " and reason is distinct from 'erased'"
        if ask(url, query, words) != [(0,)]:
            found.add(contract.table)
    return found


def test_an_erased_person_is_nowhere(erasure):
    files = {path for path in erasure["before"] if path.endswith(".csv")}
    assert {Path(path).name.partition("_2026")[0] for path in files} == {
        "customer",
        "consent",
        "contract",
        "points_entry",
        "order",
        "order_line",
    }
    assert len(erasure["before"]) > 25, "she was in most tables"
    assert erasure["erased"] == set()


def test_an_erased_person_who_is_delivered_again_stays_out(erasure):
    assert {trace for trace in erasure["after"] if not trace.endswith(".csv")} == set()


def test_an_erasure_leaves_proof_and_the_others_alone(erasure):
    company = erasure["company"]
    ((hits, removed),) = ask(
        company.warehouse_url,
        "select verification ->> 'hits', rows_by_store #>> '{warehouse,core.order_header}' from privacy.receipt "
        "where request_id = %s and kind = 'erasure'",
        erasure["request"],
    )
    assert (hits, removed) == ("0", "2")
    told = ask(
        company.marketing_url,
        "select change, campaign, reason from marketing.audience_change where customer_key = %s",
        KEYS["Emma"],
    )
    assert told == [("removed", "win_back", "erased")]
    assert violations(company.warehouse_url, company.marketing_url) == []
    seen = state(company, "second")
    without_emma = [row for row in expected.table(expected.AUDIENCE["second"]) if row[1] != "Emma"]
    assert ordered(seen["audience"]) == ordered(without_emma)
    assert {row[0] for row in seen["everybody"]} == {row[0] for row in expected.table(expected.EVERYBODY["second"])} - {"Emma"}
