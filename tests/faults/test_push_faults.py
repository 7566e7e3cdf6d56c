"""The push under long fire: killed at every step, read without pause, contradicted at every stage, and lived through at random.

``RETENTION_FAULT_SEED`` repeats a run; ``RETENTION_FAULT_ROUNDS`` sets the kills at each step (25), ``RETENTION_FAULT_READS`` the
reads (10,000), ``RETENTION_FAULT_HISTORIES`` the histories (100).
"""

from __future__ import annotations

import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from retention.campaigns.targets import feed_targets
from retention.privacy.consent import sync_consent
from retention.warehouse import Warehouse
from retention.warehouse.embedded import EmbeddedPostgres
from tests.consumers.tools import Claiming, Polling
from tests.retention.campaigns.conftest import Company, settings
from tests.retention.campaigns.decided import Choice, consent_everybody, decide, light_company, two_databases
from tests.retention.campaigns.histories import histories, live

SEED = int(os.environ.get("RETENTION_FAULT_SEED", random.SystemRandom().randrange(10**6)))
ROUNDS = int(os.environ.get("RETENTION_FAULT_ROUNDS", "25"))
READS = int(os.environ.get("RETENTION_FAULT_READS", "10000"))
HISTORIES = int(os.environ.get("RETENTION_FAULT_HISTORIES", "100"))
WITHDRAWALS = 100
ROOT = Path(__file__).resolve().parents[2]

BEFORE_COMMIT = (
    "lease.acquired", "push.before_stage", "holds.read", "holds.before_commit", "push.read", "push.staged", "push.locked",
    "push.judged", "push.removed", "push.applied", "push.before_commit",
)  # fmt: skip
AFTER_COMMIT = (
    "push.committed", "push.receipt_read", "push.before_receipt_commit", "push.receipt_booked", "publish.before_lock",
    "publish.locked", "publish.before_ledger", "publish.before_commit", "publish.after_commit",
)  # fmt: skip
FEED_POINTS = (
    "target.feedback_entered", "target.some_staged", "target.staged", "target.locked", "target.removed", "target.before_commit",
    "target.committed",
)  # fmt: skip

# One process imports the product once and forks for every push: what is killed is a whole process, without its start.
_FORKING = """
import os, sys, json, dataclasses
from datetime import date
from retention import campaigns
from retention.campaigns.targets import feed_targets
from retention.deployment import Secrets
from retention.settings import CampaignSettings, Settings
from retention.warehouse import Attempt, Run, Warehouse
import retention.campaigns.planning, retention.campaigns.pushing
for line in sys.stdin:
    job = json.loads(line)
    child = os.fork()
    if not child:
        try:
            os.environ["RETENTION_FAILPOINTS"] = job["failpoints"]
            quiet = dict(guard_minimum_rows=1000, quiet_from="00:00", quiet_until="00:00", universal_control_share=0.0)
            settings = Settings(campaigns=dataclasses.replace(CampaignSettings(), **quiet))
            run = Run(date.fromisoformat(job["day"]), Warehouse(job["warehouse"]), settings,
                      Attempt("test", "run-1", job["task"], job["try"]), Secrets(b"x" * 40), Warehouse(job["marketing"]))
            feed_targets(run, {"mirror": job["target"]}) if job["target"] else campaigns.push(run)
            os._exit(0)
        except BaseException as error:
            sys.stderr.write(repr(error)); sys.stderr.flush()
            os._exit(1)
    _, status = os.waitpid(child, 0)
    print(os.waitstatus_to_exitcode(status), flush=True)
"""


@pytest.fixture(scope="module")
def databases(server: EmbeddedPostgres, templates: dict[str, str]) -> Iterator[tuple[Warehouse, Warehouse]]:
    with two_databases(server, templates) as made:
        yield made


@pytest.fixture
def company(databases: tuple[Warehouse, Warehouse]) -> Company:
    """A hundred customers who agreed; a guard that lets everything through."""
    company = light_company(databases)
    company.settings = settings()
    consent_everybody(company, range(1, WITHDRAWALS + 1))
    return company


@pytest.fixture(scope="module")
def forking() -> Iterator[Callable[..., int]]:
    """Return a function that runs a push (or a feed) in a process of its own, with failpoints, and gives its exit code."""
    process = subprocess.Popen(
        [sys.executable, "-c", _FORKING], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )

    def run(company: Company, failpoints: str = "", target: str = "") -> int:
        company.tries += 1
        assert process.stdin is not None
        assert process.stdout is not None
        job = {
            "day": company.run().business_date.isoformat(), "failpoints": failpoints, "target": target, "try": company.tries,
            "warehouse": company.warehouse.url.render_as_string(hide_password=False), "task": "feed" if target else "push",
            "marketing": company.marketing.url.render_as_string(hide_password=False),
        }  # fmt: skip
        process.stdin.write(json.dumps(job) + "\n")
        process.stdin.flush()
        return int(process.stdout.readline())

    yield run
    assert process.stdin is not None
    process.stdin.close()
    process.wait(timeout=30)


def members(company: Company) -> set[tuple[str, int, str, str]]:
    rows = company.ask("select campaign, customer_key, send_key, offer from marketing.campaign_audience", company.marketing)
    return set(rows)


def wanted(choices: list[Choice]) -> set[tuple[str, int, str, str]]:
    return {(choice.play, choice.key, choice.send_key, choice.offer) for choice in choices}


def replayed(company: Company) -> set[tuple[str, int, str, str]]:
    copy: dict[tuple[str, int], tuple[str, int, str, str]] = {}
    for change, *row in company.ask(
        "select change, campaign, customer_key, send_key, offer from marketing.audience_change order by sequence",
        company.marketing,
    ):
        if change == "removed":
            del copy[row[0], row[1]]
        else:
            copy[row[0], row[1]] = tuple(row)  # type: ignore[assignment]
    return set(copy.values())


def day_of(number: int, rng: random.Random) -> list[Choice]:
    """A plan that adds, changes and removes: some of forty people, with a key of their own for each round they begin in."""
    return [
        Choice("win_back", key, period=str(number if rng.random() < 0.3 else 0), offer=rng.choice(["none", "10_percent"]))
        for key in rng.sample(range(1, 41), 20)
    ]


# -- kill -9 ------------------------------------------------------------------------------------------------------------
@pytest.mark.faults
@pytest.mark.parametrize("point", [*BEFORE_COMMIT, *AFTER_COMMIT])
def test_killed_many_times_at_every_step(company: Company, forking: Callable[..., int], point: str) -> None:
    """Every round a new day, killed at the step and simply run again: nothing doubled, nothing lost, before and after as they should."""
    rng = random.Random(SEED)
    for number in range(ROUNDS):
        company.as_of_date += timedelta(days=1)
        choices = day_of(number, rng)
        decide(company, choices, population=100)
        before = members(company)
        assert forking(company, f"{point}:kill") == -signal.SIGKILL, f"{point} did not fire in round {number}, seed {SEED}"
        left = members(company)
        if point in BEFORE_COMMIT:
            assert left == before
        assert forking(company) == 0
        after = members(company)
        assert {row[:2] for row in after} <= {row[:2] for row in wanted(choices)}
        assert replayed(company) == after
        _books_agree(company)


def _books_agree(company: Company) -> None:
    """One account, one receipt and one delivery for everything handed out; no key twice."""
    there = company.ask("select sync_id from marketing.audience_sync order by 1", company.marketing)
    assert company.ask("select sync_id from campaigns.push_receipt order by 1") == there
    issued = company.ask("select send_key from marketing.issued_send_key order by 1", company.marketing)
    assert company.ask("select send_key from campaigns.delivery order by 1") == issued
    added = company.ask("select send_key from marketing.audience_change where change = 'added'", company.marketing)
    assert len(added) == len(set(added))
    assert company.ask("select count(*) from marketing.audience_stage", company.marketing) == [(0,)]


@pytest.mark.faults
@pytest.mark.parametrize("point", FEED_POINTS)
def test_feeds_killed_many_times_at_every_step(
    company: Company, forking: Callable[..., int], point: str, tmp_path: Path
) -> None:
    """The same of a further target: after the second try it holds what the marketing database holds."""
    address = f"sqlite:///{tmp_path / 'mirror.db'}"
    rng = random.Random(SEED)
    for number in range(ROUNDS):
        company.as_of_date += timedelta(days=1)
        decide(company, day_of(number, rng), population=100)
        company.push()
        company.tries += 1
        assert forking(company, f"{point}:kill", address) == -signal.SIGKILL, f"{point} in round {number}, seed {SEED}"
        assert forking(company, "", address) == 0
        with sqlite3.connect(tmp_path / "mirror.db") as there:
            held = set(there.execute("select campaign, customer_key, send_key, offer from retention_audience"))
        assert held == members(company)


# -- reads while publishing ---------------------------------------------------------------------------------------------
@pytest.mark.faults
def test_reads_while_publishing_are_never_empty_mixed_or_an_error(company: Company) -> None:
    """Four tools read without pause while pushes swap half of the audience: always the whole of one push."""
    halves = ((range(1, 41), "none"), (range(21, 61), "10_percent"))

    def plan(number: int) -> list[Choice]:
        """One or the other; who leaves and comes back does so under a key of a new period, the twenty in both get another offer."""
        keys, offer = halves[number % 2]
        return [Choice("win_back", key, period="0" if 20 < key <= 40 else str(number), offer=offer) for key in keys]

    decide(company, plan(0))
    company.push()
    whole = {frozenset((key, offer) for key in keys) for keys, offer in halves}
    url = company.marketing.url.render_as_string(hide_password=False)
    reads, seen, wrong = [0] * 4, [set() for _ in range(4)], []  # type: ignore[var-annotated]
    stop = threading.Event()

    def read(number: int) -> None:
        try:
            with psycopg.connect(url, autocommit=True) as connection:
                connection.execute("set role marketing_tool")
                while not stop.is_set():
                    found = frozenset(connection.execute("select customer_key, offer from marketing.sendable").fetchall())
                    reads[number] += 1
                    seen[number].add(found)
        except BaseException as error:
            wrong.append(repr(error))

    readers = [threading.Thread(target=read, args=(number,)) for number in range(4)]
    for reader in readers:
        reader.start()
    pushes = 0
    try:
        while (sum(reads) < READS or pushes < 12) and not wrong:
            decide(company, plan(pushes + 1))
            company.push()
            pushes += 1
    finally:
        stop.set()
        for reader in readers:
            reader.join()
    print(f"{sum(reads):,} reads during {pushes} pushes saw {len(set().union(*seen))} states")
    assert wrong == []
    assert sum(reads) >= READS
    assert set().union(*seen) == whole


# -- withdrawals --------------------------------------------------------------------------------------------------------
STAGES = (
    "before the plan",
    "between plan and push",
    "while the push runs",
    "between push and read",
    "while a tool reads",
    "after a claim",
)


def withdraw(company: Company, keys: list[int]) -> None:
    """Say no, in the ledger."""
    with company.warehouse.begin() as connection:
        connection.execute(
            sa.text(
                "insert into privacy.consent (consent_key, source_customer_key, customer_key, purpose, channel, decision, decided_at, "
                "recorded_at, source) select 100000 + key, key, key, 'marketing', 'all', 'withdrawn', now(), now(), 'crm' "
                "from unnest(cast(:keys as bigint[])) as key"
            ),
            {"keys": keys},
        )


@pytest.mark.parametrize(
    ("stage", "count"),
    [pytest.param(stage, 2, id=f"2 {stage}") for stage in STAGES]
    + [pytest.param(stage, WITHDRAWALS, id=f"{WITHDRAWALS} {stage}", marks=pytest.mark.faults) for stage in STAGES],
)
def test_withdrawals_at_every_stage(company: Company, stage: str, count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody is contacted after having said no: one person per time, at this stage of a day of their own."""
    url = company.marketing.url.render_as_string(hide_password=False)
    polling, claiming = Polling(url), Claiming(url)
    said_no: set[int] = set()
    rng = random.Random(SEED)
    for number in range(count):
        who = rng.choice([key for key in range(1, WITHDRAWALS + 1) if key not in said_no])
        company.as_of_date += timedelta(days=1)
        people = {who, *rng.sample(range(1, WITHDRAWALS + 1), 5)}
        choices = [Choice("win_back", key, period=str(number)) for key in people]

        def no(who: int = who) -> None:
            said_no.add(who)
            withdraw(company, [who])

        if stage == "before the plan":
            no()
            choices = [choice for choice in choices if choice.key not in said_no]
        decide(company, choices)
        if stage == "between plan and push":
            no()
        if stage == "while the push runs":
            _during(monkeypatch, "push.staged", no)
        company.push()
        monkeypatch.undo()
        before_read = (
            {key for key in said_no if key != who} if stage in ("while a tool reads", "after a claim") else set(said_no)
        )
        if stage == "between push and read":
            no()
            before_read = set(said_no)
        sync_consent(company.run(task_id="consent"), datetime.now(UTC))
        if stage == "after a claim":
            claimed = {int(send_key.rpartition("|")[2]) for send_key in claiming.claim(1_000)}
            no()
            sync_consent(company.run(task_id="consent"), datetime.now(UTC))
            assert not claimed & before_read
            assert claiming.claim(1_000) == []
            claiming.deliver()
            continue
        if stage == "while a tool reads":
            sent = [send_key for send_key in _reading_while(polling, no, company) if send_key]
            assert not {int(key.rpartition("|")[2]) for key in sent} & before_read
            assert who not in {int(key.rpartition("|")[2]) for key in polling.run()}
            continue
        sent = polling.run()
        assert not {int(key.rpartition("|")[2]) for key in sent} & before_read, f"{stage}, seed {SEED}"
    assert len(said_no) == count
    assert len(polling.provider.delivered) + len(claiming.provider.delivered) > count, "somebody was contacted at all"


def _during(monkeypatch: pytest.MonkeyPatch, point: str, act: Callable[[], None]) -> None:
    """Let something happen while a push is at a point."""
    from retention.campaigns import pushing

    def failpoint(name: str) -> None:
        if name == point:
            act()

    monkeypatch.setattr(pushing, "failpoint", failpoint)


def _reading_while(polling: Polling, no: Callable[[], None], company: Company) -> list[str]:
    """One says no, and it arrives, while the tool goes through what it has read: at most what was read before is sent."""
    original = polling.provider.send
    asked: list[str] = []

    def send(send_key: str) -> None:
        if not asked:
            no()
            sync_consent(company.run(task_id="consent"), datetime.now(UTC))
        asked.append(send_key)
        original(send_key)

    polling.provider.send = send  # type: ignore[method-assign]
    try:
        polling.run()
    finally:
        polling.provider.send = original  # type: ignore[method-assign]
    return asked


# -- histories and targets ----------------------------------------------------------------------------------------------
@pytest.mark.faults
@hypothesis_settings(
    max_examples=HISTORIES, deadline=None, suppress_health_check=[*HealthCheck], phases=[Phase.explicit, Phase.generate]
)
@given(history=histories, minimum_rows=st.sampled_from([1, 4, 1_000]))
def test_many_histories(databases: tuple[Warehouse, Warehouse], history: list[tuple[str, Any]], minimum_rows: int) -> None:
    live(light_company(databases), history, minimum_rows)


@pytest.mark.faults
def test_a_target_follows_a_long_history(company: Company, tmp_path: Path) -> None:
    """A hundred days, fed after some of them only: whatever lies between, the target ends with the audience."""
    address = f"sqlite:///{tmp_path / 'mirror.db'}"
    rng = random.Random(SEED)
    started = time.monotonic()
    for number in range(100):
        company.as_of_date += timedelta(days=1)
        decide(company, day_of(number, rng), population=100)
        company.push()
        if rng.random() < 0.4 or number == 99:
            feed_targets(company.run(task_id="feed"), {"mirror": address})
            with sqlite3.connect(tmp_path / "mirror.db") as there:
                held = set(there.execute("select campaign, customer_key, send_key, offer from retention_audience"))
            assert held == members(company), f"day {number}, seed {SEED}"
    print(f"100 days in {time.monotonic() - started:.0f} s, seed {SEED}")
    assert company.ask("select count(*) from campaigns.target_receipt where state <> 'reconciled'") == [(0,)]
