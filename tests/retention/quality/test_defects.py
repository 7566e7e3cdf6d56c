"""Seeded defects: every rule of every landing contract catches its own, and a rule taken away is missed."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from retention.quality import VolumeDropped, VolumeRose, batch, rules, validate
from retention.quality.deliveries import find_deliveries, landing_table
from retention.quality.evaluation import evaluated
from retention.quality.rules import broken
from retention.settings import IngestSettings, Settings
from retention.warehouse import Check, Contract, Lease, Run, Warehouse, lease
from tests.retention.quality.company import land, rows_of
from tests.retention.quality.defects import (
    AT,
    CLEAN,
    TABLE_RULES,
    Defect,
    Row,
    UnknownRule,
    defect,
    label_of,
    landing_contracts,
    seed_known,
)

CATALOGUE = Path(__file__).with_name("catalogue.txt")
LENIENT = Settings(ingest=IngestSettings(quarantine_stop_share=1.0))
CONTRACTS = landing_contracts()


def test_the_catalogue_names_every_check_of_every_contract() -> None:
    """A rule deleted from a contract is missing here, a rule added waits for its line: both are decisions, neither slips."""
    written = CATALOGUE.read_text(encoding="utf-8").splitlines()
    found = [f"{entity} {label_of(c)} {c.severity}" for entity, contract in CONTRACTS.items() for c in contract.checks]
    assert found == written


def test_the_catalogue_refuses_a_rule_it_cannot_break(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(rules.ROW_RULES, "novel", lambda arguments, context: ("true", "anything", ()))
    contract = CONTRACTS["order"]
    with pytest.raises(UnknownRule, match="no defect is known for the rule novel"):
        defect(contract, Check("novel", "warn", {"column": "channel"}))
    with pytest.raises(UnknownRule, match="expression unheard_of"):
        defect(contract, Check("expression", "warn", {"name": "unheard_of", "expression": "true"}))


@pytest.mark.parametrize("entity", CONTRACTS)
def test_every_column_is_under_a_rule_that_bounds_it(entity: str) -> None:
    contract = CONTRACTS[entity]
    bounding = {"is_type", "in_set", "max_length", "pattern", "known_customer", "known_order", "known_product"}
    free = set(contract.column_names) - {"batch_id", "position", "file"}
    assert free - {c.arguments.get("column") for c in contract.checks if c.rule in bounding} == set()
    numeric = {c.arguments["column"] for c in contract.checks if c.rule == "is_type" and c.arguments["type"] == "numeric"}
    assert numeric - {c.arguments["column"] for c in contract.checks if c.rule == "finite"} == set()
    assert numeric - {c.arguments["column"] for c in contract.checks if c.rule == "between"} == set()
    times = {
        c.arguments["column"] for c in contract.checks if c.rule == "is_type" and c.arguments["type"] in ("date", "timestamptz")
    }
    assert times - {c.arguments["column"] for c in contract.checks if c.rule == "plausible_time"} == set()
    assert {c.rule for c in contract.checks} >= {"no_nul", "unique_version", "required", "volume"}


def seeded(contract: Contract) -> tuple[list[Defect], list[Row], list[range]]:
    """All defects of a contract, their rows in one delivery, and the positions (from 1) of each one's."""
    defects = [defect(contract, check) for check in contract.checks if check.rule not in TABLE_RULES]
    rows: list[Row] = []
    places = []
    for number, seed in enumerate(defects):
        start = len(rows) + 1
        for nth, row in enumerate(seed.rows):
            rows.append(_apart(row, number, nth, seed))
        places.append(range(start, len(rows) + 1))
    return defects, rows, places


def _apart(row: Row, number: int, nth: int, seed: Defect) -> Row:
    """Give every defect an ``updated_at`` of its own: one key may then be in a delivery many times."""
    seconds = number if seed.label.startswith("unique_version") else number * 4 + nth
    updated = row["updated_at"]
    if updated is not None and ":00:00" in updated:
        row = {**row, "updated_at": updated.replace(":00:00", f":{seconds // 60:02}:{seconds % 60:02}", 1)}
    return row


@contextmanager
def held(run: Run) -> Iterator[Lease]:
    with lease(run, "validation", run.business_date.isoformat()) as taken:
        yield taken


def broken_labels(taken: Lease, contract: Contract) -> dict[int, set[str]]:
    """Evaluate the one landed batch of an entity and return the labels broken by position."""
    run = taken.run
    with run.warehouse.connect() as connection:
        day = find_deliveries(connection, run.business_date, ["landed"])
    (delivery,) = [d for d in day if d.entity == contract.name]
    with evaluated(taken, delivery, contract, day, delivery.rows_extracted) as evaluation:
        labels = ", ".join(f"case when verdict.{broken(i)} = 1 then {i} end" for i in range(len(evaluation.rules)))
        with run.warehouse.connect() as connection:
            found = connection.execute(
                sa.text(
                    f"select landed.position, array_remove(array[{labels}]::integer[], null) from {evaluation.table} as verdict "
                    f"inner join {landing_table(contract.name)} as landed on landed.ctid = verdict.row_id::tid"
                )
            )
            return {position: {evaluation.rules[i].label for i in broken} for position, broken in found}


@pytest.mark.parametrize("entity", CONTRACTS)
def test_each_rule_catches_its_own_defect_and_nothing_else(run: Run, warehouse: Warehouse, entity: str) -> None:
    contract = CONTRACTS[entity]
    seed_known(warehouse)
    defects, rows, places = seeded(contract)
    clean = {"updated_at": "2026-03-10T23:59:59+08:00", **CLEAN[entity]}
    land(run, "crm", entity, [*rows, clean])
    with held(run) as taken:
        broken = broken_labels(taken, contract)
    assert broken[len(rows) + 1] == set(), "the clean row breaks a rule"
    wrong = {
        f"{seed.label} in row {position}": sorted(broken[position])
        for seed, positions in zip(defects, places, strict=True)
        for position in positions
        if not {seed.label} <= broken[position] <= {seed.label} | seed.companions
    }
    assert wrong == {}


@pytest.mark.slow
@pytest.mark.parametrize("entity", CONTRACTS)
def test_a_rule_taken_away_is_missed(run: Run, warehouse: Warehouse, entity: str) -> None:
    """Without its rule a defect goes through, unless it is of a kind that cannot help breaking a second one."""
    contract = CONTRACTS[entity]
    seed_known(warehouse)
    defects, rows, places = seeded(contract)
    land(run, "crm", entity, rows)
    with held(run) as taken:
        for seed, positions in zip(defects, places, strict=True):
            without = dataclasses.replace(contract, checks=tuple(c for c in contract.checks if label_of(c) != seed.label))
            assert len(without.checks) == len(contract.checks) - 1, f"{seed.label} stands twice in the contract"
            broken = broken_labels(taken, without)
            assert all(broken[position] <= seed.companions for position in positions), seed.label


ONE_OF_EACH_KIND = {check.rule: (entity, check) for entity, contract in CONTRACTS.items() for check in contract.checks}


@pytest.mark.slow
@pytest.mark.parametrize("kind", sorted(set(ONE_OF_EACH_KIND) - TABLE_RULES))
@pytest.mark.parametrize("has_rule", [True, False], ids=["with its rule", "rule deleted"])
def test_a_defect_is_refused_or_told_by_the_whole_validation(
    make_run: Callable[..., Run], warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch, kind: str, has_rule: bool
) -> None:
    entity, check = ONE_OF_EACH_KIND[kind]
    contract, seed = CONTRACTS[entity], defect(CONTRACTS[entity], check)
    seed_known(warehouse)
    if not has_rule:
        left = tuple(c for c in contract.checks if label_of(c) != seed.label and label_of(c) not in seed.companions)
        monkeypatch.setattr(batch, "load_contract", lambda table: dataclasses.replace(contract, checks=left))
    land(make_run(), "crm", entity, [_apart(row, 1, nth, seed) for nth, row in enumerate(seed.rows)])
    report = validate(make_run(settings=LENIENT))
    told = {
        f"{rule}({column})" if column else rule
        for rule, column in rows_of(warehouse, "select rule, column_name from ops.check_result where not passed")
    }
    assert (seed.label in told) is has_rule
    refused = rows_of(warehouse, 'select count(*) from quarantine."row" where :label = any(rules)', label=seed.label)[0][0]
    assert refused == (len(seed.rows) if has_rule and seed.severity == "quarantine" else 0)
    if not has_rule:
        assert report["quarantined"] == 0


# -- rules about whole deliveries -----------------------------------------------------------------------------------------
def past_deliveries(warehouse: Warehouse, entity: str, rows: int, days: int = 8) -> None:
    with warehouse.begin() as connection:
        connection.execute(
            sa.text(
                "insert into ops.batch (source, entity, business_date, run_id, state, rows_extracted, rows_valid) "
                "select 'crm', :entity, date '2026-03-31' - n, 'r', 'published', :rows, :rows from generate_series(1, :days) as n"
            ),
            {"entity": entity, "rows": rows, "days": days},
        )


@pytest.mark.parametrize("entity", [pytest.param(e, marks=() if e == "order" else pytest.mark.slow) for e in CONTRACTS])
def test_far_too_few_and_far_too_many_rows_stop_every_entity(
    make_run: Callable[..., Run], warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch, entity: str
) -> None:
    settings = Settings(ingest=IngestSettings(volume_minimum_rows=1, volume_ceiling_share=2.0, quarantine_stop_share=1.0))
    run = make_run(settings=settings)
    past_deliveries(warehouse, entity, 3)
    too_few, too_many = run, make_run(date(2026, 3, 30), settings=settings)
    land(too_few, "crm", entity, [CLEAN[entity]])
    with pytest.raises(VolumeDropped, match=rf"crm.{entity} 2026-03-31 .*: 1 rows, expected at least 2 \(50% of 3"):
        validate(too_few)
    land(too_many, "crm", entity, [{**CLEAN[entity], "updated_at": f"2026-03-10T10:00:{n:02}+08:00"} for n in range(7)])
    with pytest.raises(VolumeRose, match=rf"crm.{entity} 2026-03-30 .*: 7 rows, expected at most 6 \(2 times of 3"):
        validate(too_many)
    without = dataclasses.replace(CONTRACTS[entity], checks=tuple(c for c in CONTRACTS[entity].checks if c.rule != "volume"))
    monkeypatch.setattr(batch, "load_contract", lambda table: without)
    seed_known(warehouse)
    assert validate(make_run(settings=settings, try_number=2))["extracted"] == 1  # the rule deleted: nobody minds


FRESH = [(entity, c) for entity, contract in CONTRACTS.items() for c in contract.checks if c.rule == "freshness"]


@pytest.mark.parametrize(
    ("entity", "check"), [pytest.param(e, c, id=e, marks=() if e == "order" else pytest.mark.slow) for e, c in FRESH]
)
@pytest.mark.parametrize("is_old", [True, False], ids=["old", "fresh"])
def test_old_news_are_told(run: Run, warehouse: Warehouse, entity: str, check: Check, is_old: bool) -> None:
    seed_known(warehouse)
    newest = date(2026, 3, 31) - timedelta(days=int(check.arguments["max_age_days"]) + (1 if is_old else -1))
    row = {**CLEAN[entity], "updated_at": AT, check.arguments["column"]: newest.isoformat()}
    if check.arguments["column"] not in ("balance_date", "indicator_date"):
        row[check.arguments["column"]] = f"{newest}T10:00:00+08:00"
    land(run, "crm", entity, [row])
    validate(run)
    assert rows_of(warehouse, "select passed, severity from ops.check_result where rule = 'freshness'") == [
        (not is_old, "warn")
    ]


def test_old_news_stop_the_day_where_the_contract_says_so(
    run: Run, warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    from retention.quality import CheckFailed

    contract = CONTRACTS["order"]
    strict = tuple(dataclasses.replace(c, severity="fail") if c.rule == "freshness" else c for c in contract.checks)
    monkeypatch.setattr(batch, "load_contract", lambda table: dataclasses.replace(contract, checks=strict))
    seed_known(warehouse)
    land(run, "crm", "order", [CLEAN["order"]])
    with pytest.raises(CheckFailed, match="the delivery breaks freshness on ordered_at: newest row at most 3 days old"):
        validate(run)
