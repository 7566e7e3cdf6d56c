"""Who is listed at a destination, under which consent, and why not the others."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from retention.campaigns.match_keys import listing as listing_module
from retention.campaigns.match_keys.inspecting import inspect_column, kind_of
from retention.campaigns.match_keys.listing import Listing, Partition, RawValues, list_keys, refuse_raw
from retention.campaigns.match_keys.recipes import load_recipe
from retention.campaigns.match_keys.recording import record
from retention.warehouse import Run, Warehouse
from retention.warehouse.embedded import EmbeddedPostgres
from tests.retention.campaigns.listed import CONTACTS, KEYS, NAMES, NOW, agree, fill, run_over, shared_databases
from tests.retention.privacy.conftest import insert


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


@pytest.fixture
def run(warehouse: Warehouse, marketing: Warehouse) -> Run:
    """A run over databases of the test's own: it changes them."""
    fill(warehouse, marketing)
    return run_over(warehouse, marketing)


@pytest.fixture(scope="module")
def still(server: EmbeddedPostgres, templates: dict[str, str]) -> Iterator[Run]:
    """A run over the audience as it was written: for tests that only read it."""
    with shared_databases(server, templates, "keys") as (warehouse, marketing):
        yield run_over(warehouse, marketing)


def rejects(listing: Listing) -> dict[tuple[str, str], str]:
    return {(NAMES[row.customer_key], row.key): row.reason for row in listing.rejects.itertuples()}


def partitions(listing: Listing) -> dict[str, list[tuple[object, ...]]]:
    return {p.state: list(zip(*(c.to_pylist() for c in p.keys.columns), strict=True)) for p in listing.partitions}


def test_everybody_is_listed_or_has_a_reason(still: Run) -> None:
    found = list_keys(still, "win_back", load_recipe("google_v2"))
    assert partitions(found) == {
        "personalised": [(None, digest("+8613800000001"))],
        "unspecified": [
            (digest("anali@gmail.com"), None),
            *sorted([(None, digest("+8613800000006")), (None, digest("+8613800000007"))], key=str),
        ],
        "not_personalised": [(digest("bo@example.cn"), digest("+8613800000002"))],
    }
    assert found.members == 8, "Ivo is suppressed: sendable does not know him"
    told = rejects(found)
    assert told["Chen", "email"] == "no_ads_consent"
    assert told["Dai", "email"] == "ads_withdrawn"
    assert told["Fang", "email"] == "already_hashed"
    assert told["Gao", "email"] == "refused_at_address"
    assert told["Hana", "email"] == "missing"
    assert ("Bo", "email") not in told
    for counts in found.coverage[:-1]:
        others = counts.missing + counts.invalid + counts.already_hashed + counts.duplicate + counts.withheld
        assert counts.listed + others == counts.members == 8, counts.key


def test_one_mailbox_is_one_key_where_the_destination_says_so_and_under_the_stricter_consent(still: Run) -> None:
    """Ana and Emma have one Gmail mailbox. Google sees one key, Meta two."""
    google = list_keys(still, "win_back", load_recipe("google_v2"))
    assert rejects(google)["Ana", "email"] == "duplicate", "Emma's consent says less: her row stands"
    assert (digest("anali@gmail.com"), None) in partitions(google)["unspecified"]
    assert partitions(google)["personalised"] == [(None, digest("+8613800000001"))]
    meta = list_keys(still, "win_back", load_recipe("meta_v1"))
    listed = {row[0] for rows in partitions(meta).values() for row in rows}
    assert {digest("ana.li@gmail.com"), digest("anali+shop@gmail.com")} <= listed


def test_a_destination_that_only_personalises_does_not_get_who_refused_profiling(still: Run) -> None:
    meta = list_keys(still, "win_back", load_recipe("meta"))
    assert rejects(meta)["Bo", "email"] == "not_personalised"
    assert digest("bo@example.cn") not in str(partitions(meta))


def test_consent_to_messages_is_no_consent_to_advertising(run: Run, marketing: Warehouse) -> None:
    """Chen may be written to and is in the audience; to an advertising platform he is nobody."""
    for recipe in ("google", "meta", "tiktok", "x"):
        assert digest("chen@example.cn") not in str(partitions(list_keys(run, "win_back", load_recipe(recipe))))
    agree(marketing, "Chen", "ads", "sms", "granted", days_ago=1)
    found = list_keys(run, "win_back", load_recipe("google"))
    assert rejects(found)["Chen", "email"] == "no_ads_consent", "granted for the telephone, not for the mailbox"
    assert (None, digest("+8613800000003")) in partitions(found)["unspecified"]


def test_a_withdrawal_counts_at_the_next_list(run: Run, marketing: Warehouse) -> None:
    assert digest("bo@example.cn") in str(partitions(list_keys(run, "win_back", load_recipe("google"))))
    agree(marketing, "Bo", "ads", "email", "withdrawn", days_ago=0)
    assert digest("bo@example.cn") not in str(partitions(list_keys(run, "win_back", load_recipe("google"))))


def test_the_other_half_of_a_shared_mailbox_is_bound_by_the_refusal(run: Run, marketing: Warehouse) -> None:
    """Turned off (the refusal taken away) the shared address goes out: the guard does the work."""
    key = digest("family@example.cn")
    assert key not in str(partitions(list_keys(run, "win_back", load_recipe("meta"))))
    with marketing.begin() as connection:
        connection.exec_driver_sql("delete from marketing.address_refusal")
    assert key in str(partitions(list_keys(run, "win_back", load_recipe("meta"))))


def test_the_partner_id_goes_along_and_lists_nobody_by_itself(still: Run) -> None:
    found = list_keys(still, "win_back", load_recipe("x_v1"))
    ids = {row[2] for rows in partitions(found).values() for row in rows}
    assert str(KEYS["Ana"]) in ids, "not hashed: it is a pseudonym already"
    assert str(KEYS["Hana"]) not in ids, "without address X could not have learned it"


def test_a_person_merged_since_the_push_is_found_under_the_key_of_now(run: Run, warehouse: Warehouse) -> None:
    with warehouse.begin() as connection:
        connection.execute(sa.text("update pii.contact set customer_key = 77 where customer_key = :bo"), {"bo": KEYS["Bo"]})
    insert(warehouse, "core.customer_alias", {"source_customer_key": KEYS["Bo"], "customer_key": 77})
    assert digest("bo@example.cn") in str(partitions(list_keys(run, "win_back", load_recipe("google"))))


def test_counts_and_pseudonyms_are_kept_and_nothing_else(still: Run) -> None:
    found = list_keys(still, "win_back", load_recipe("google"))
    for _ in range(2):
        with still.warehouse.begin() as connection:
            record(connection, found, NOW.date(), NOW)
    with still.warehouse.connect() as connection:
        coverage = connection.execute(sa.text("select * from campaigns.match_key_coverage")).mappings().all()
        kept = connection.execute(sa.text("select * from campaigns.match_key_reject")).mappings().all()
    assert {row["key"]: (row["members"], row["listed"]) for row in coverage}["any"] == (8, 5)
    assert len(kept) == len(found.rejects)
    everything = str(coverage) + str(kept)
    for email, phone in CONTACTS.values():
        for address in (email, phone):
            if address:
                assert address not in everything
                assert digest(address) not in everything


def test_an_address_in_a_hashed_column_stops_everything(still: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    import pyarrow as pa

    recipe = load_recipe("meta_v1")
    raw = Partition("personalised", pa.table({"email": ["ana@example.cn"], "phone": [None], "extern_id": [None]}))
    with pytest.raises(RawValues, match=r"meta_v1, column email: 1 of 1 values are no SHA-256 .*Nothing was written") as caught:
        refuse_raw(recipe, [raw])
    assert "ana@example.cn" not in str(caught.value)
    nothing = Partition("personalised", pa.table({"email": [digest("")], "phone": [None], "extern_id": [None]}))
    with pytest.raises(RawValues):
        refuse_raw(recipe, [nothing])
    # Turned off, a recipe that forgets to hash would hand out addresses: with it, such a recipe gets nowhere.
    monkeypatch.setattr("retention.campaigns.match_keys.building.SHA256_SQL", "{column}")
    with pytest.raises(RawValues):
        list_keys(still, "win_back", recipe)
    monkeypatch.setattr(listing_module, "refuse_raw", lambda *_: None)
    assert "bo@example.cn" in str(partitions(list_keys(still, "win_back", load_recipe("google"))))


def test_a_foreign_list_is_looked_through(still: Run) -> None:
    key = next(key for key in load_recipe("meta").keys if key.name == "email")
    values = [
        digest("bo@example.cn"), digest(digest("bo@example.cn")), digest("chen@example.cn").upper(), "dai@example.cn", "", None,
        hashlib.md5(b"x@y.cn", usedforsecurity=False).hexdigest(), digest(""), "unknown", digest("stranger@example.cn"),
    ]  # fmt: skip
    counts = inspect_column(still.warehouse, load_recipe("meta"), key, values)
    assert {kind: number for kind, number in counts.items() if number} == {
        "sha256": 3, "capitals": 1, "other_hash": 1, "of_nothing": 1, "raw": 1, "empty": 2, "other": 1, "known": 2, "hashed_twice": 1,
    }  # fmt: skip
    assert kind_of("13800000001") == "raw"
