"""An erasure killed at every step: the next run finishes it, and everything that was removed is in the receipt."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import sqlalchemy as sa

from retention.privacy import FileStore, handle_requests, request_erasure
from retention.warehouse import Run
from tests.conftest import PEPPER
from tests.processes import Program
from tests.retention.privacy.conftest import HANA, IVO, NOW, person_counts

FAILPOINTS = [
    "erasure.tombstoned",
    "erasure.before_file",
    "erasure.file_rewritten",
    "erasure.files_done",
    "erasure.before_targets",
    "erasure.before_targets_commit",
    "erasure.targets_done",
    "erasure.table_done",
    "erasure.before_commit",
    "erasure.warehouse_done",
    "erasure.verified",
    "publish.before_commit",
    "publish.after_commit",
]

SCRIPT = """
import json, sys
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from retention.privacy import FileStore, handle_requests
from retention.deployment import Secrets
from retention.settings import LeaseSettings, Settings
from retention.warehouse import Attempt, Run, Warehouse
given = json.loads(sys.argv[1])
run = Run(
    business_date=date(2026, 3, 31), warehouse=Warehouse(given["warehouse"]), marketing=Warehouse(given["marketing"]),
    settings=Settings(), attempt=Attempt("test", "run-1", "privacy", given["try"]), secrets=Secrets(given["pepper"].encode()),
)
store = FileStore(**{k: tuple(v) if isinstance(v, list) else v for k, v in given["store"].items()})
handle_requests(run, datetime.fromisoformat(given["now"]), [store], Path(given["exports"]))
"""


@pytest.mark.parametrize("failpoint", FAILPOINTS)
def test_killed_there_the_next_try_finishes(populated: Run, desk: FileStore, tmp_path: Path, failpoint: str) -> None:
    ivo = person_counts(populated, IVO)
    request_erasure(populated.warehouse, source="crm", customer_id=HANA.numbers[0], pepper=PEPPER, requested_by="li", now=NOW)
    assert populated.marketing is not None
    given = {
        "warehouse": populated.warehouse.url.render_as_string(hide_password=False),
        "marketing": populated.marketing.url.render_as_string(hide_password=False),
        "try": 1,
        "pepper": PEPPER.decode(),
        "store": vars(desk),
        "now": NOW.isoformat(),
        "exports": str(tmp_path / "exports"),
    }
    killed = Program(SCRIPT, json.dumps(given), environment={"RETENTION_FAILPOINTS": f"{failpoint}:kill"})
    _, errors = killed.communicate()
    assert killed.returncode == -9, errors
    assert f"failpoint {failpoint} fires" in errors

    # A newer try of the same task takes the lease over at once.
    again = Run(
        business_date=populated.business_date,
        warehouse=populated.warehouse,
        marketing=populated.marketing,
        settings=populated.settings,
        attempt=type(populated.attempt)("test", "run-1", "privacy", 2),
        secrets=populated.secrets,
    )
    handle_requests(again, NOW, [desk], tmp_path / "exports")

    left = set(person_counts(populated, HANA))
    proof = {"warehouse.privacy.tombstone", "warehouse.privacy.request", "warehouse.privacy.receipt"}
    assert left <= {*proof, "marketing.marketing.audience_change"}
    assert person_counts(populated, IVO) == ivo
    assert HANA.email not in "".join(path.read_text() for path in Path(desk.root).rglob("*.csv"))
    with populated.warehouse.connect() as connection:
        receipt = connection.execute(sa.text("select to_jsonb(r) from privacy.receipt as r")).scalar_one()
        states = connection.execute(sa.text("select state from ops.run_ledger")).scalars().all()
    assert receipt["rows_by_store"]["files"] == {"desk:complaints/2026-03-30.csv": 2}
    assert receipt["rows_by_store"]["warehouse"]["pii.source_customer"] == 2
    assert receipt["rows_by_store"]["marketing"]["marketing.campaign_audience"] == 1
    assert "running" not in states
    with populated.marketing.connect() as connection:
        removals = connection.execute(
            sa.text("select count(*) from marketing.audience_change where customer_key = :key"), {"key": HANA.customer_key}
        ).scalar_one()
    assert removals == 1


def test_without_the_stored_subject_a_killed_erasure_would_lose_the_trail(
    populated: Run, desk: FileStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The guard turned off: when the request forgets whom it is about, a later try no longer finds the files."""
    request_erasure(populated.warehouse, source="crm", customer_id=HANA.numbers[0], pepper=PEPPER, requested_by="li", now=NOW)
    monkeypatch.setenv("RETENTION_FAILPOINTS", "erasure.warehouse_done:raise")
    with pytest.raises(RuntimeError):
        handle_requests(populated, NOW, [], tmp_path / "exports")  # the files are not configured yet
    monkeypatch.delenv("RETENTION_FAILPOINTS")
    with populated.warehouse.begin() as connection:
        connection.exec_driver_sql("update privacy.request set subject = null")
    handle_requests(populated, NOW, [desk], tmp_path / "exports")
    assert HANA.email in "".join(path.read_text() for path in Path(desk.root).rglob("*.csv"))
