"""Kill -9 at every step of a push, then simply run it again: one push, nothing doubled, nothing lost."""

from __future__ import annotations

import signal

import pytest

from tests import oracle
from tests.processes import Program
from tests.retention.campaigns.conftest import Company
from tests.retention.campaigns.test_push import MEMBERS

PUSH = """
import dataclasses, sys
from datetime import date
from retention import campaigns
from retention.deployment import Secrets
from retention.settings import CampaignSettings, Settings
from retention.warehouse import Attempt, Run, Warehouse
warehouse, marketing, day, task = sys.argv[1:]
settings = Settings(campaigns=dataclasses.replace(CampaignSettings(), guard_minimum_rows=1000))
run = Run(date.fromisoformat(day), Warehouse(warehouse), settings, Attempt("test", "run-1", task, 1), Secrets(b"x" * 40),
          Warehouse(marketing))
print(campaigns.push(run))
"""
BEFORE_COMMIT = (
    "lease.acquired", "push.before_stage", "push.read", "push.staged", "push.locked", "push.removed", "push.applied",
    "push.before_commit",
)  # fmt: skip
AFTER_COMMIT = (
    "push.committed",
    "push.before_receipt_commit",
    "push.receipt_booked",
    "publish.before_commit",
    "publish.after_commit",
)


def _start(company: Company, failpoints: str = "") -> Program:
    urls = [database.url.render_as_string(hide_password=False) for database in (company.warehouse, company.marketing)]
    return Program(PUSH, *urls, f"{company.run().business_date}", "push", environment={"RETENTION_FAILPOINTS": failpoints})


@pytest.mark.parametrize("point", [*BEFORE_COMMIT, *AFTER_COMMIT])
def test_killed_and_run_again(staffed: Company, point: str) -> None:
    """Before the commit tools see nothing of it, after it everything; the retry ends with one push and nine receipts."""
    staffed.plan()
    process = _start(staffed, f"{point}:kill")
    _, errors = process.communicate(timeout=120)
    assert process.returncode == -signal.SIGKILL
    assert f"failpoint {point} fires" in errors
    assert staffed.members() == (set() if point in BEFORE_COMMIT else MEMBERS)
    staffed.tries = 5
    counts = staffed.push()
    assert counts["added"] == (7 if point in BEFORE_COMMIT else 0)
    _exactly_one_push(staffed)


def test_killed_after_the_commit_and_planned_again(staffed: Company) -> None:
    """The next plan books the receipt that the dead push left open, so that nobody looks as if never contacted."""
    staffed.plan()
    _start(staffed, "push.committed:kill").communicate(timeout=120)
    assert staffed.ask("select count(*) from campaigns.delivery") == [(0,)]
    staffed.tries = 5
    assert staffed.plan()["receipts"] == 1
    staffed.push()
    _exactly_one_push(staffed)


def test_a_frozen_push_wakes_up_too_late(staffed: Company) -> None:
    """Stopped before it locks the stream; a newer try pushes meanwhile. The old one wakes up, finds the token gone by, changes nothing."""
    staffed.plan()
    frozen = _start(staffed, "push.staged:stop")
    frozen.wait_until_stopped()
    staffed.tries = 5
    assert staffed.push()["added"] == 7
    frozen.send_signal(signal.SIGCONT)
    _, errors = frozen.communicate(timeout=120)
    assert "Fenced" in errors
    assert frozen.returncode != 0
    _exactly_one_push(staffed)


def test_a_lost_answer_to_the_commit_is_looked_up(staffed: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    """The connection drops while the commit is answered: what happened stands in the marketing database, and is believed."""
    from retention.campaigns import pushing
    from retention.warehouse import ConnectionLost

    original = pushing.apply_stage

    def dropped(*given: object) -> None:
        original(*given)
        raise ConnectionLost("statement: the database connection was lost or refused; safe to retry.")

    monkeypatch.setattr(pushing, "apply_stage", dropped)
    staffed.plan()
    assert staffed.push()["added"] == 7
    _exactly_one_push(staffed)


def _exactly_one_push(company: Company) -> None:
    assert company.members() == MEMBERS
    ask = company.ask
    assert ask("select rows_total, rows_added, tasks_added from marketing.audience_sync", company.marketing) == [(7, 7, 2)]
    assert ask("select count(*), count(distinct send_key) from marketing.audience_change", company.marketing) == [(7, 7)]
    assert ask("select count(*) from marketing.audience_stage", company.marketing) == [(0,)]
    assert ask("select count(*), count(distinct send_key) from campaigns.delivery") == [(9, 9)]
    assert ask("select count(*) from campaigns.push_receipt") == [(1,)]
    found = oracle.violations(
        company.warehouse.url.render_as_string(hide_password=False), company.marketing.url.render_as_string(hide_password=False)
    )
    # The company's facts are written by hand, without ledgers of orders behind them.
    assert [line for line in found if "order" not in line] == []
