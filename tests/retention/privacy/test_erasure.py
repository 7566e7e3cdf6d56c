"""One person goes from every table, file and target; everybody else stays; the proof names nobody."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from retention.privacy import FileStore, handle_requests, request_erasure
from retention.privacy import erasure as erasure_module
from retention.warehouse import Run, Warehouse, all_contracts
from tests.conftest import PEPPER
from tests.retention.privacy.conftest import HANA, IVO, NOW, insert, person_counts

PROOF = {"warehouse.privacy.tombstone", "warehouse.privacy.request", "warehouse.privacy.receipt"}


def ask(run: Run, number: str = HANA.numbers[1]) -> str:
    return request_erasure(run.warehouse, source="crm", customer_id=number, pepper=PEPPER, requested_by="li.staff", now=NOW)


def test_hana_goes_from_every_table_and_file_and_ivo_stays(populated: Run, desk: FileStore, tmp_path: Path) -> None:
    before = person_counts(populated, IVO)
    assert len(before) > 40, "the fixture must reach every table that can hold a person"
    assert set(before) <= {*person_counts(populated, HANA)}
    ask(populated)

    counts = handle_requests(populated, NOW, [desk], tmp_path / "exports")

    assert (counts["requests_done"], counts["requests_failed"]) == (1, 0)
    left = person_counts(populated, HANA)
    assert set(left) - PROOF <= {"marketing.marketing.audience_change"}, "the removal tools still have to read"
    assert person_counts(populated, IVO) == before
    words = "".join(path.read_text() for path in sorted(Path(desk.root).rglob("*.csv")))
    assert HANA.email not in words
    assert not any(number in words for number in HANA.numbers)
    assert f"2,{IVO.numbers[0]},O-2,fine\n" in words


def test_the_receipt_counts_everything_and_names_nobody(populated: Run, desk: FileStore, tmp_path: Path) -> None:
    request_id = ask(populated)
    handle_requests(populated, NOW, [desk], tmp_path / "exports")
    with populated.warehouse.connect() as connection:
        receipt = connection.execute(sa.text("select to_jsonb(r) from privacy.receipt as r")).scalar_one()
        request = connection.execute(sa.text("select * from privacy.request")).one()
    assert receipt["request_id"] == request_id
    assert receipt["rows_by_store"]["warehouse"]["pii.source_customer"] == 2
    assert receipt["rows_by_store"]["marketing"]["marketing.campaign_audience"] == 1
    assert receipt["rows_by_store"]["files"] == {"desk:complaints/2026-03-30.csv": 2}
    assert receipt["verification"]["hits"] == 0
    assert receipt["verification"]["stores_searched"] > 60
    assert receipt["verification"]["values_searched"]["addresses"] == 2
    text = json.dumps(receipt, ensure_ascii=False) + str(request)
    assert not any(value in text for value in (*HANA.values(), *HANA.numbers))
    assert (request.state, request.subject) == ("done", None)


def test_the_receipt_names_further_targets_and_what_proves_that_they_were_told(
    populated: Run, desk: FileStore, tmp_path: Path
) -> None:
    """A second database was fed. It is told by its next feed, whose receipt carries the number of the removal or a later one."""
    with populated.warehouse.begin() as connection:
        connection.exec_driver_sql(
            "insert into campaigns.target_receipt (target, token, business_date, sequence, is_full, rows_added, rows_updated, "
            "rows_removed, rows_total, rows_held, checksum, state) "
            "values ('mirror', 1, '2026-03-31', 1, true, 1, 0, 0, 1, 0, '0', 'reconciled')"
        )
    ask(populated)
    handle_requests(populated, NOW, [desk], tmp_path / "exports")
    assert populated.marketing is not None
    with populated.marketing.connect() as connection:
        removal = connection.execute(
            sa.text("select max(sequence) from marketing.audience_change where reason = 'erased'")
        ).scalar_one()
    with populated.warehouse.connect() as connection:
        recipients = connection.execute(sa.text("select recipients from privacy.receipt")).scalar_one()
    assert recipients["target mirror"].startswith("told by the next feed, within minutes")
    assert recipients["target mirror"].endswith(f"with sequence {removal} or more")


def test_tools_that_follow_by_difference_are_told(populated: Run, desk: FileStore, tmp_path: Path) -> None:
    ask(populated)
    handle_requests(populated, NOW, [desk], tmp_path / "exports")
    assert populated.marketing is not None
    with populated.marketing.connect() as connection:
        rows = connection.execute(
            sa.text("select change, reason, customer_id from marketing.audience_change where customer_key = :key"),
            {"key": HANA.customer_key},
        ).all()
    assert [tuple(row) for row in rows] == [("removed", "erased", None)]


def test_tombstones_and_suppression_stay(populated: Run, desk: FileStore, tmp_path: Path) -> None:
    ask(populated)
    handle_requests(populated, NOW, [desk], tmp_path / "exports")
    with populated.warehouse.connect() as connection:
        keys = set(connection.execute(sa.text("select source_customer_key from privacy.tombstone")).scalars())
        reasons = connection.execute(sa.text("select reason from privacy.suppression")).scalars().all()
    assert keys == set(HANA.keys)
    assert reasons == ["erased", "erased"]


def test_asking_twice_is_one_request_and_handling_twice_changes_nothing(
    populated: Run, desk: FileStore, tmp_path: Path
) -> None:
    assert ask(populated) == ask(populated, HANA.numbers[0])
    handle_requests(populated, NOW, [desk], tmp_path / "exports")
    again = handle_requests(populated, NOW + timedelta(hours=1), [desk], tmp_path / "exports")
    assert again["requests_done"] == 0
    ask(populated)  # the person asks again, a year later: a request of its own that finds nothing
    counts = handle_requests(populated, NOW + timedelta(hours=2), [desk], tmp_path / "exports")
    assert counts["requests_done"] == 1


def test_somebody_we_do_not_know_is_kept_out_from_now_on(populated: Run, desk: FileStore, tmp_path: Path) -> None:
    ask(populated, "C-9999")
    counts = handle_requests(populated, NOW, [desk], tmp_path / "exports")
    assert counts["requests_done"] == 1
    with populated.warehouse.connect() as connection:
        assert connection.execute(sa.text("select count(*) from privacy.tombstone")).scalar_one() == 1


def test_a_redelivered_hana_is_swept_from_landing(populated: Run, desk: FileStore, tmp_path: Path) -> None:
    ask(populated)
    handle_requests(populated, NOW, [desk], tmp_path / "exports")
    with populated.warehouse.begin() as connection:
        batch_id = connection.execute(
            sa.text(
                "insert into ops.batch (source, entity, business_date, run_id, state) "
                "values ('crm', 'customer', '2026-04-01', 'run-2', 'landed') returning batch_id"
            )
        ).scalar_one()
    for person in (HANA, IVO):
        insert(
            populated.warehouse,
            "landing.customer",
            {"batch_id": batch_id, "customer_id": person.numbers[0], "name": person.name, "email": person.email},
        )
    counts = handle_requests(populated, NOW + timedelta(hours=1), [desk], tmp_path / "exports")
    assert counts["landing_rows_of_erased"] == 1
    assert set(person_counts(populated, HANA)) - PROOF <= {"marketing.marketing.audience_change"}


def test_a_table_without_a_rule_stops_everything(populated: Run, desk: FileStore, tmp_path: Path) -> None:
    ask(populated)
    with populated.warehouse.begin() as connection:
        connection.exec_driver_sql("create table core.forgotten (customer_key bigint)")
    with pytest.raises(Exception, match=r"warehouse\.core\.forgotten.*erasure-registry"):
        handle_requests(populated, NOW, [desk], tmp_path / "exports")


def test_tables_of_the_marketing_team_are_theirs(populated: Run, desk: FileStore, tmp_path: Path) -> None:
    assert populated.marketing is not None
    with populated.marketing.begin() as connection:
        connection.exec_driver_sql("create schema newsletter")
        connection.exec_driver_sql("create table newsletter.reader (email text)")
    ask(populated)
    assert handle_requests(populated, NOW, [desk], tmp_path / "exports")["requests_done"] == 1


def test_the_search_finds_what_a_wrong_rule_leaves(
    populated: Run, desk: FileStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The guard turned off: a contract that claims to hold nobody. The search after it must not write a receipt."""
    rules = [rule for rule in erasure_module.person_rows("warehouse") if rule.table != "core.complaint"]
    monkeypatch.setattr(erasure_module, "person_rows", lambda name: rules if name == "warehouse" else [])
    ask(populated)
    with pytest.raises(erasure_module.ErasureIncomplete, match=r"warehouse\.core\.complaint: 2"):
        handle_requests(populated, NOW, [desk], tmp_path / "exports")
    with populated.warehouse.connect() as connection:
        assert connection.execute(sa.text("select count(*) from privacy.receipt")).scalar_one() == 0
    monkeypatch.undo()
    assert handle_requests(populated, NOW, [desk], tmp_path / "exports")["requests_done"] == 1


def test_an_older_writer_keeps_the_request_settling_until_it_has_ended(populated: Run, desk: FileStore, tmp_path: Path) -> None:
    ask(populated)
    with populated.warehouse.begin() as connection:
        connection.execute(
            sa.text(
                "insert into ops.lease (dataset, slice_key, token, acquired_at, expires_at) values "
                "('features', '2026-04-01', 7, clock_timestamp() - interval '1 minute', clock_timestamp() + interval '1 hour')"
            )
        )
    assert handle_requests(populated, NOW, [desk], tmp_path / "exports")["requests_settling"] == 1
    # The writer, which had read Hana before, publishes her and lets go.
    insert(populated.warehouse, "features.customer_orders", {"as_of_date": NOW.date(), "customer_key": HANA.customer_key})
    with populated.warehouse.begin() as connection:
        connection.exec_driver_sql("update ops.lease set expires_at = '-infinity' where dataset = 'features'")
    assert handle_requests(populated, NOW + timedelta(hours=1), [desk], tmp_path / "exports")["requests_done"] == 1
    assert set(person_counts(populated, HANA)) - PROOF <= {"marketing.marketing.audience_change"}


def test_a_writer_in_the_middle_of_publishing_is_waited_for_although_its_lease_looks_old(
    populated: Run, desk: FileStore, tmp_path: Path
) -> None:
    """Publishing locks the lease, so nobody renews it: a long one outlives it, and may hold the person in its transaction."""
    ask(populated)
    lease_row = (
        "insert into ops.lease (dataset, slice_key, token, acquired_at, expires_at) values "
        "('core', '*', 7, clock_timestamp() - interval '5 minutes', clock_timestamp() - interval '4 minutes')"
    )
    with populated.warehouse.begin() as connection:
        connection.exec_driver_sql(lease_row)
    with populated.warehouse.begin() as publisher:
        publisher.exec_driver_sql("select token from ops.lease where dataset = 'core' for update")
        assert handle_requests(populated, NOW, [desk], tmp_path / "exports")["requests_settling"] == 1
    assert handle_requests(populated, NOW + timedelta(hours=1), [desk], tmp_path / "exports")["requests_done"] == 1


def test_the_search_knows_keys_of_pairs(populated: Run) -> None:
    from retention.privacy.subject import Subject
    from retention.privacy.verification import search

    found = search(populated, Subject(keys=frozenset(HANA.keys)), "no request")
    assert {"warehouse.core.linkage_pair", "warehouse.core.linkage_decision"} <= set(found.hits)


def test_who_parted_from_the_person_keeps_no_trace_of_her(populated: Run, desk: FileStore, tmp_path: Path) -> None:
    ivo = IVO.customer_key
    with populated.warehouse.begin() as connection:
        connection.execute(
            sa.text(
                "insert into core.identity_change (source_customer_key, changed_at, old_customer_key, customer_key, rule, batch_id) "
                "values (:ivo, :now, :hana, :ivo, 'decision', 0)"
            ),
            {"ivo": ivo, "hana": HANA.customer_key, "now": NOW - timedelta(days=1)},
        )
    ask(populated)
    assert handle_requests(populated, NOW, [desk], tmp_path / "exports")["requests_done"] == 1


def test_an_address_shared_with_ivo_does_not_hold_up_the_receipt(populated: Run, desk: FileStore, tmp_path: Path) -> None:
    with populated.warehouse.begin() as connection:
        connection.execute(
            sa.text("update pii.source_customer set phone = :phone where customer_id = :number"),
            {"phone": HANA.phone, "number": IVO.numbers[0]},
        )
    ask(populated)
    assert handle_requests(populated, NOW, [desk], tmp_path / "exports")["requests_done"] == 1
    with populated.warehouse.connect() as connection:
        verification = connection.execute(sa.text("select verification from privacy.receipt")).scalar_one()
    assert verification["left_out"] == {"address": "1 of 2 also belong to another customer"}


def test_every_table_of_both_databases_is_registered(warehouse: Warehouse, marketing: Warehouse) -> None:
    from retention.privacy import unregistered

    assert unregistered(warehouse, "warehouse") == []
    assert unregistered(marketing, "marketing") == []


def test_every_further_key_of_a_table_is_part_of_its_rule() -> None:
    """Whom a row names beside its own person: one who recommended, one who was recommended, the person before a parting."""
    from retention.privacy.registry import person_rows

    for rule in [*person_rows("warehouse"), *person_rows("marketing")]:
        keys = {name for name in all_contracts()[rule.table].column_names if name.endswith("customer_key")}
        further = keys - {"customer_key", "source_customer_key"}
        assert not [name for name in further if name not in rule.condition], rule.table


def test_a_contract_whose_rule_makes_no_sense_is_refused() -> None:
    from retention.privacy.registry import UnregisteredTable, person_rows

    broken = replace(all_contracts()["core.complaint"], erasure="somehow")
    with pytest.raises(UnregisteredTable, match=r"core\.complaint"):
        person_rows("warehouse", {"core.complaint": broken})


def test_a_key_nobody_has_is_refused(make_run: Callable[..., Run]) -> None:
    from retention.privacy.requests import RequestRefused

    with pytest.raises(RequestRefused, match="no customer has the key 5"):
        request_erasure(make_run().warehouse, customer_key=5, requested_by="li.staff", now=NOW)
