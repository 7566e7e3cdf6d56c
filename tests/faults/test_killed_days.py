"""Whole days killed with SIGKILL at a random moment, then simply run again: the end is that of an undisturbed day.

The seed is printed; ``RETENTION_FAULT_SEED`` repeats a run, ``RETENTION_FAULT_ROUNDS`` sets the rounds of the long target.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

from tests.oracle import violations
from tests.processes import Program
from tests.tiny import FIRST_DAY, SECOND_DAY, TinyCompany, installed

SEED = int(os.environ.get("RETENTION_FAULT_SEED", random.SystemRandom().randrange(10**6)))
ROUNDS = int(os.environ.get("RETENTION_FAULT_ROUNDS", "25"))


def contents(company: TinyCompany) -> dict[str, object]:
    """Return what a day leaves behind, without times and numbers that every run draws anew."""
    with psycopg.connect(company.warehouse_url) as connection:
        slices = connection.execute(
            # bi.audience_health holds the time of the newest push.
            "select table_name, slice_key, rows, checksum from ops.published "
            "where checksum is not null and table_name <> 'bi.audience_health' order by 1, 2"
        ).fetchall()
        core = connection.execute(
            "select customer_key, sum(order_count), sum(net_minor) from core.order_entry group by 1 order by 1"
        ).fetchall()
        delivered = connection.execute("select send_key from campaigns.delivery order by 1").fetchall()
    with psycopg.connect(company.marketing_url) as connection:
        audience = connection.execute(
            "select campaign, customer_key, channel, offer, send_key from marketing.campaign_audience order by 1, 2"
        ).fetchall()
        changes = connection.execute(
            "select sequence, change, campaign, customer_key from marketing.audience_change order by 1"
        ).fetchall()
    return {
        "slices": slices,
        "core": core,
        "delivered": delivered,
        "audience": audience,
        "changes": [change[1:] for change in changes],
    }


@pytest.fixture
def company(tmp_path: Path, make_database: Callable[[str], str]) -> TinyCompany:
    return TinyCompany(tmp_path / "home", make_database("warehouse"), make_database("marketing"))


@dataclass(frozen=True)
class Undisturbed:
    """One day that nothing disturbed."""

    company: TinyCompany
    contents: dict[str, object]
    seconds: float
    """How long the day took in a process of its own."""


@pytest.fixture(scope="module")
def undisturbed(server, templates, tmp_path_factory) -> Iterator[Undisturbed]:
    """What one undisturbed day leaves behind, and how long it takes in a process of its own."""
    with installed(server, templates, tmp_path_factory.mktemp("undisturbed") / "home", "undisturbed") as company:
        started = time.monotonic()
        _finish(company.start_day(FIRST_DAY))
        yield Undisturbed(company, contents(company), time.monotonic() - started)


def kill_and_repeat(company: TinyCompany, undisturbed: Undisturbed, generator: random.Random) -> None:
    """Kill the day at a random moment, run it again to its end, and compare."""
    moment = generator.uniform(0.1, 1.0) * undisturbed.seconds
    process = company.start_day(FIRST_DAY)
    try:
        process.wait(timeout=moment)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGKILL)
    process.communicate()
    _finish(company.start_day(FIRST_DAY))
    assert violations(company.warehouse_url, company.marketing_url) == [], f"killed after {moment:.2f} s, seed {SEED}"
    assert contents(company) == undisturbed.contents, f"killed after {moment:.2f} s, seed {SEED}"


@pytest.mark.slow
def test_a_killed_day_ends_as_an_undisturbed_one(company, undisturbed):
    kill_and_repeat(company, undisturbed, random.Random(SEED))


@pytest.mark.faults
@pytest.mark.parametrize("round_number", range(ROUNDS))
def test_many_killed_days_end_as_undisturbed_ones(round_number, company, undisturbed):
    kill_and_repeat(company, undisturbed, random.Random(SEED + 1000 + round_number))


@pytest.mark.slow
def test_a_finished_day_run_again_changes_nothing_and_an_older_one_pushes_nothing(undisturbed):
    company = undisturbed.company
    _finish(company.start_day(FIRST_DAY))
    assert contents(company) == undisturbed.contents
    assert violations(company.warehouse_url, company.marketing_url) == []
    company.deliver(SECOND_DAY)
    company.run_day(SECOND_DAY)
    before = contents(company)
    counts = company.run_day(FIRST_DAY)
    after = contents(company)
    assert counts["push audience"] == {"skipped": "older than 2026-04-01"}
    assert after["audience"] == before["audience"]
    assert after["changes"] == before["changes"]
    assert after["delivered"] == before["delivered"]
    assert violations(company.warehouse_url, company.marketing_url) == []


def _finish(process: Program) -> None:
    output, errors = process.communicate(timeout=300)
    assert process.returncode == 0, output + errors
