"""The tiny company through the real scheduler: a day, the same day again, and a backfill of days long past."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from typing import Any

import pytest
import sqlalchemy as sa

from retention.supervisor.api import AirflowApi
from retention.supervisor.configuration import METADATA_DATABASE
from retention.supervisor.introduction import DAILY
from retention.supervisor.processes import living
from retention.warehouse import Warehouse, all_contracts

from .conftest import Installation
from .people import Person

pytestmark = pytest.mark.slow

DAY = "2026-03-31"
PATIENCE_SECONDS = 240
LOOK_SECONDS = 0.5
"""Between two looks at Airflow, whose interface answers questions and tells nothing by itself."""

# What says when and by whom a row was written differs from run to run by design.
BOOKKEEPING = {"run_id", "batch_id", "created_at", "updated_at", "recorded_at", "computed_at", "published_at", "built_at"}


def finish(api: AirflowApi, key: str, known: dict[str, str | None] | None = None) -> dict[str, dict[str, Any]]:
    """Wait until every daily DAG has a new, successful run for the key; return the runs by DAG."""
    known = known or {}
    done: dict[str, dict[str, Any]] = {}
    for dag_id in DAILY:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            runs = [run for run in api.runs(dag_id, key) if run["dag_run_id"] != known.get(dag_id)]
            if runs and runs[0]["state"] == "success":
                done[dag_id] = runs[0]
                break
            assert not runs or runs[0]["state"] != "failed", api.failure(dag_id, runs[0]["dag_run_id"])
            time.sleep(LOOK_SECONDS)
        assert dag_id in done, f"{dag_id} has not finished for {key} within {PATIENCE_SECONDS} s"
    return done


def contents(database: Warehouse, schemas: set[str]) -> dict[str, list[tuple[Any, ...]]]:
    """Every published row of some schemas, without bookkeeping columns, in a fixed order."""
    found = {}
    for contract in all_contracts().values():
        if contract.schema not in schemas or contract.kind == "view" or contract.database != database_name(schemas):
            continue
        columns = [name for name in contract.column_names if name not in BOOKKEEPING]
        listed = ", ".join(f'"{name}"' for name in columns)
        with database.connect() as connection:
            rows = connection.execute(sa.text(f"select {listed} from {contract.table}")).all()
        found[contract.table] = sorted(tuple(str(value) for value in row) for row in rows)
    return found


def database_name(schemas: set[str]) -> str:
    return "marketing" if "marketing" in schemas else "warehouse"


RESULTS = {"core", "features", "scores", "segments", "campaigns"}


STRICT = "[campaigns]\nguard_minimum_rows = 1\nguard_first_push_share = 0.05\n"
"""One of fourteen people may be in an audience; the rest of a larger one waits for somebody."""


@dataclass(frozen=True)
class Approved:
    """What the guard of the first day held back, and what came of it."""

    question: dict[str, Any]
    waiting: dict[str, int]
    """Open tasks and members by play while it waited …"""
    shown: dict[str, Any]
    """What the console showed of it."""
    refused: int
    """What somebody without the right got for an answer …"""
    taken: tuple[int, str]
    """… what somebody with it got, and by whom Airflow says it was answered …"""
    second: int
    """… and what came of answering again."""
    after: dict[str, int]
    """… and after the answer."""


@pytest.fixture(scope="module")
def first_day(installation: Installation) -> tuple[dict[str, dict[str, Any]], Approved]:
    """The first business day, run once, with a guard so small that somebody is asked, and answers."""
    api = installation.api
    installation.settings.write_text(STRICT)
    api.trigger("retention_ingest", partition_key=DAY)
    asked = wait_for_question(api, DAY)
    waiting = delivered(installation)
    oleg = Person.of(installation.layout, "oleg", "op")
    shown = oleg.held_back()
    refused = Person.of(installation.layout, "vic", "viewer").decide(shown, "approve", "looks fine to me")
    taken = oleg.decide(shown, "approve", "first day: everybody is new")
    assert taken.status_code == 200, taken.text
    again = oleg.decide(shown, "reject", "too late")
    runs = finish(api, DAY)
    installation.settings.write_text("")
    by = str(taken.json()["data"]["answered_by"])
    told = refused.status_code, (taken.status_code, by), again.status_code
    return runs, Approved(asked, waiting, shown, *told, delivered(installation))


@pytest.fixture(scope="module")
def first_run(first_day: tuple[dict[str, dict[str, Any]], Approved]) -> dict[str, dict[str, Any]]:
    """The runs of the first business day, by DAG."""
    return first_day[0]


def wait_for_question(api: AirflowApi, key: str) -> dict[str, Any]:
    """Wait until the audience of a day, the fifth of its DAGs, asks for an approval; fail as soon as one of them has."""
    deadline = time.monotonic() + 5 * PATIENCE_SECONDS
    while time.monotonic() < deadline:
        for dag_id in DAILY:
            for run in api.runs(dag_id, key)[:1]:
                assert run["state"] != "failed", api.failure(dag_id, run["dag_run_id"])
                for asked in api.questions(dag_id, run["dag_run_id"]) if dag_id == "retention_audience" else ():
                    # Answered while the task still runs, the answer would be lost with its try.
                    if asked["task_instance"]["state"] == "awaiting_input":
                        return asked
                assert dag_id != "retention_audience" or run["state"] != "success", f"nothing was held back on {key}"
        time.sleep(LOOK_SECONDS)
    raise AssertionError(f"nobody was asked for {key} within {5 * PATIENCE_SECONDS} s")


def delivered(installation: Installation) -> dict[str, int]:
    """Members and open tasks by play, as the marketing database has them."""
    query = (
        "select campaign, count(*) as people from (select campaign from marketing.campaign_audience union all "
        "select campaign from marketing.staff_task where state = 'open') as held group by campaign"
    )
    with installation.marketing.connect() as connection:
        return {row.campaign: row.people for row in connection.execute(sa.text(query))}


def test_what_is_over_the_guard_waits_for_a_person(
    installation: Installation, first_day: tuple[dict[str, dict[str, Any]], Approved]
) -> None:
    """Audiences of more than one wait while everything else is out; approved in the console, they go up to the counts approved."""
    approved = first_day[1]
    over = {play: people for play, people in sorted(approved.after.items()) if people > 1}
    assert {"regular_call_back", "strategic_care"} <= set(over)
    assert approved.question["task_instance"]["state"] == "awaiting_input", "no worker is held while it waits"
    said = "; ".join(f"{play}: size {people}, allowed 1" for play, people in over.items())
    assert approved.question["body"].startswith(f"{said}\n\nEverything else was pushed.")
    assert approved.question["options"] == ["Approve", "Reject"]
    assert approved.question["defaults"] == ["Reject"]
    assert set(approved.waiting.values()) == {1}
    assert approved.after == {**approved.waiting, **over}
    assert {each["play"]: (each["found"], each["allowed"]) for each in approved.shown["excess"]} == {
        play: (people, 1) for play, people in over.items()
    }
    assert approved.shown["can_answer"]
    assert approved.refused == 403, "who may only look answers nothing"
    assert approved.taken == (200, "oleg")
    assert approved.second == 409, "the first answer stands"
    with installation.marketing.connect() as connection:
        pushes = connection.execute(
            sa.text("select state, rows_withheld, approved_by, approval_reason from marketing.audience_sync order by sync_id")
        ).all()
    assert [tuple(push) for push in pushes[:2]] == [
        ("needs_approval", sum(over.values()), None, None),
        ("committed", 0, "oleg", "first day: everybody is new"),
    ]
    with installation.warehouse.connect() as connection:
        given = connection.execute(
            sa.text("select approved_by, ceilings, used_by_run = run_id as used from campaigns.approval")
        ).all()
    assert [tuple(row) for row in given] == [("oleg", {f"{play}.size.budget": people for play, people in over.items()}, True)]


def test_every_hop_carries_the_day(first_run: dict[str, dict[str, Any]]) -> None:
    assert {dag_id: run["partition_key"] for dag_id, run in first_run.items()} == dict.fromkeys(DAILY, DAY)


def test_people_arrive_and_bad_orders_do_not(installation: Installation, first_run: dict[str, Any]) -> None:
    with installation.warehouse.connect() as connection:
        orders = connection.execute(sa.text("select count(*) from core.order_header")).scalar_one()
        refused = connection.execute(sa.text("select count(*) from quarantine.row where entity = 'order'")).scalar_one()
        people = connection.execute(sa.text("select count(*) from core.customer where valid_to is null")).scalar_one()
    assert orders == 41, "41 good orders (tests/fixtures/tiny/README.md)"
    assert refused == 2, "O9001 and O9002 are refused"
    assert people == 14, "fifteen contacts, of which two are Hana"


def test_same_day_again_changes_nothing(installation: Installation, first_run: dict[str, dict[str, Any]]) -> None:
    before = contents(installation.warehouse, RESULTS)
    pushed = contents(installation.marketing, {"marketing"})
    assert before["core.order_header"], "nothing to compare: the first run brought no rows"
    known = {dag_id: run["dag_run_id"] for dag_id, run in first_run.items()}
    installation.api.trigger("retention_ingest", partition_key=DAY)
    finish(installation.api, DAY, known)
    again = contents(installation.warehouse, RESULTS)
    assert {table: len(rows) for table, rows in again.items()} == {table: len(rows) for table, rows in before.items()}
    for table, rows in before.items():
        if not table.startswith("campaigns.delivery"):
            assert again[table] == rows, f"{table} differs after the same day ran again"
    for table in ("marketing.campaign_audience", "marketing.audience_change"):
        assert contents(installation.marketing, {"marketing"})[table] == pushed[table], f"{table}: something went out twice"


def test_second_day_rejected_late_and_a_killed_scheduler(installation: Installation, first_run: dict[str, Any]) -> None:
    """The day after runs to its end although the scheduler is killed in the middle of it; what is rejected stays as it was.

    While it waits its time runs out, and people are told so; the look at everything's health runs beside it.
    """
    installation.settings.write_text(STRICT)
    installation.api.trigger("retention_ingest", partition_key="2026-04-01")
    wait_for_a_running_task(installation.api, "retention_ingest", "2026-04-01")
    parts = {part["name"]: part for part in installation.layout.read_state()["components"]}
    killed = parts["scheduler"]["pid"]
    os.kill(killed, signal.SIGKILL)
    asked = wait_for_question(installation.api, "2026-04-01")
    let_time_run_out(installation, asked["task_instance"]["dag_run_id"])
    installation.api.set_paused("retention_health", False)
    health = installation.api.trigger("retention_health")
    waiting = delivered(installation)
    oleg = Person.of(installation.layout, "oleg", "op")
    held_back = oleg.held_back()
    assert held_back["business_date"] == "2026-04-01"
    assert oleg.decide(held_back, "reject", "not before the holiday").status_code == 200
    runs = finish(installation.api, "2026-04-01")
    installation.api.wait_for("retention_health", health, PATIENCE_SECONDS)
    found = installation.api.counts("retention_health", health, "check_health")
    assert found["breach"] >= 1, "the newest day is long past: freshness is missed"
    late = "LATE retention_audience 2026-04-01: not finished within 1:00:00."
    for beginning in (late, "HEALTH"):
        assert told(installation, beginning), [body["text"][:80] for body in installation.chat.posted]
    assert sum(body["text"].startswith("LATE ") for body in installation.chat.posted) == 1, "told once"
    installation.settings.write_text("")
    assert {run["partition_key"] for run in runs.values()} == {"2026-04-01"}
    assert delivered(installation) == waiting, "rejected: nothing more is pushed that day"
    with installation.warehouse.connect() as connection:
        given = connection.execute(sa.text("select count(*) from campaigns.approval where business_date = '2026-04-01'"))
        assert given.scalar_one() == 0
    parts = {part["name"]: part for part in installation.layout.read_state()["components"]}
    assert parts["scheduler"]["pid"] != killed
    assert parts["scheduler"]["restarts"] >= 1
    assert living(parts["scheduler"]) is not None


def told(installation: Installation, beginning: str) -> bool:
    """Wait until people are told something that begins so."""
    return installation.chat.wait_for(
        lambda posted: any(body["text"].startswith(beginning) for body in posted), PATIENCE_SECONDS
    )


def let_time_run_out(installation: Installation, run_id: str) -> None:
    """Move the deadline of a run of the audience into the past: the hour that it has is up."""
    metadata = Warehouse(installation.warehouse.url.set(database=METADATA_DATABASE).render_as_string(hide_password=False))
    with metadata.begin() as connection:
        moved = connection.execute(
            sa.text(
                "update public.deadline set deadline_time = now() - interval '1 second' where not missed and dagrun_id = "
                "(select id from public.dag_run where dag_id = 'retention_audience' and run_id = :run_id)"
            ),
            {"run_id": run_id},
        )
    metadata.dispose()
    assert moved.rowcount == 1, "the run has no deadline"


def wait_for_a_running_task(api: AirflowApi, dag_id: str, key: str) -> None:
    """Wait until a task of a DAG's run for a key is being worked at."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        for run in api.runs(dag_id, key)[:1]:
            if any(task["state"] == "running" for task in api.tasks(dag_id, run["dag_run_id"])):
                return
        time.sleep(LOOK_SECONDS)
    raise AssertionError(f"no task of {dag_id} has begun for {key} within {PATIENCE_SECONDS} s")


def test_backfilled_day_is_complete_and_pushes_nothing(installation: Installation, first_run: dict[str, Any]) -> None:
    changes = "select count(*) from marketing.audience_change"
    with installation.marketing.connect() as connection:
        before = connection.execute(sa.text(changes)).scalar_one()
    known = {dag_id: run["dag_run_id"] for dag_id in DAILY for run in installation.api.runs(dag_id, DAY)[:1]}
    command = ["backfill", "create", "--dag-id", "retention_ingest", "--from-date", DAY, "--to-date", DAY]
    subprocess.run(
        [sys.executable, "-m", "retention.supervisor", "airflow", *command, "--reprocess-behavior", "completed"],
        check=True,
        capture_output=True,
        timeout=120,
    )
    finish(installation.api, DAY, known)
    with installation.marketing.connect() as connection:
        assert connection.execute(sa.text(changes)).scalar_one() == before
