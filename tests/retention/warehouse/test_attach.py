"""The first slice of a date is hung in as a partition: whole, fenced, never waiting for readers, never in the way of them."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from retention.warehouse import (
    ContractError,
    DatabaseFailed,
    Fenced,
    Run,
    Warehouse,
    attach,
    ensure_partitions,
    partition_name,
    read_frame,
    stage_writer,
)
from tests.retention.warehouse import people_slice

PARTITION = partition_name(people_slice.TABLE, people_slice.AS_OF)


@pytest.fixture
def run_of(people: Warehouse, make_run, monkeypatch):
    """Make runs for the slice of the test table."""
    people_slice.register()
    monkeypatch.setattr(attach, "PAUSE_SECONDS", 0.01)
    return lambda try_number=1: make_run(try_number=try_number, settings=people_slice.QUICK)


def publish(run: Run, version: int = 1) -> dict[str, int]:
    with stage_writer(run, "features", attaches=True) as writer:
        writer.fill_arrow(people_slice.TABLE, people_slice.frame(version, run.as_of_date))
        return writer.publish()


def relations(warehouse: Warehouse) -> dict[str, int]:
    """Identity of the partition and of what belongs to it."""
    rows = read_frame(
        warehouse,
        "select cast(oid as bigint) as oid, relname from pg_catalog.pg_class where relnamespace = 'slices'::regnamespace "
        "or relnamespace = 'staging'::regnamespace",
    )
    return dict(zip(rows["relname"], rows["oid"], strict=True))


def test_the_staged_table_becomes_the_partition(run_of, people: Warehouse) -> None:
    run = run_of()
    staged = {}
    with stage_writer(run, "features", attaches=True) as writer:
        writer.fill_arrow(people_slice.TABLE, people_slice.frame(1, run.as_of_date))
        staged = relations(people)
        writer.publish()
    hung_in = relations(people)
    name = PARTITION.partition(".")[2]
    assert sorted(hung_in) == [name, f"{name}_pkey"], "nothing is left in staging, and the partition is named as all are"
    assert hung_in[name] in staged.values(), "it is the staged table itself: no row was copied"
    assert people_slice.read(people) == dict.fromkeys(people_slice.PEOPLE, 1)
    with pytest.raises(DatabaseFailed, match="two rows have the same key"), people.begin() as connection:
        connection.exec_driver_sql(f"insert into {people_slice.TABLE} select * from {people_slice.TABLE}")


def test_published_again_it_is_copied_into_the_same_partition(run_of, people: Warehouse) -> None:
    publish(run_of())
    before = relations(people)
    publish(run_of(2), version=2)
    assert relations(people) == before
    assert people_slice.read(people) == dict.fromkeys(people_slice.PEOPLE, 2)


def test_a_reader_is_not_waited_for(run_of, people: Warehouse, monkeypatch) -> None:
    """Somebody reads the table all the time: the rows are copied instead, and nobody waits for anybody."""
    monkeypatch.setattr(attach, "TRIES", 2)
    with people.connect() as reader:
        reader.execute(sa.text(f"select count(*) from {people_slice.TABLE}"))  # keeps its lock until the end of the block
        publish(run_of())
        assert reader.execute(sa.text(f"select count(*) from {people_slice.TABLE}")).scalar_one() == len(people_slice.PEOPLE)
    assert people_slice.read(people) == dict.fromkeys(people_slice.PEOPLE, 1)
    assert sorted(relations(people)) == [PARTITION.partition(".")[2], f"{PARTITION.partition('.')[2]}_pkey"]


def test_an_overtaken_attempt_hangs_nothing_in(run_of, people: Warehouse) -> None:
    with pytest.raises(Fenced), stage_writer(run_of(1), "features", attaches=True) as late:
        late.fill_arrow(people_slice.TABLE, people_slice.frame(1))
        late.finish(people_slice.TABLE)
        publish(run_of(2), version=2)
        late.publish()
    assert people_slice.read(people) == dict.fromkeys(people_slice.PEOPLE, 2)


def test_an_empty_partition_that_an_overtaken_attempt_made_is_filled(run_of, people: Warehouse) -> None:
    """It gave up hanging in, made the partition to copy into, and found only then that it was overtaken."""
    with stage_writer(run_of(), "features", attaches=True) as writer:
        writer.fill_arrow(people_slice.TABLE, people_slice.frame(1))
        ensure_partitions(people, [people_slice.TABLE], people_slice.AS_OF)
        writer.publish()
    assert people_slice.read(people) == dict.fromkeys(people_slice.PEOPLE, 1)
    assert sorted(relations(people)) == [PARTITION.partition(".")[2], f"{PARTITION.partition('.')[2]}_pkey"]


def test_rows_of_another_date_are_refused_before_anything_is_published(run_of, people: Warehouse) -> None:
    run = run_of()
    with pytest.raises(ContractError, match="4 of 4 rows carry another as_of_date"):
        with stage_writer(run, "features", attaches=True) as writer:
            writer.fill_arrow(people_slice.TABLE, people_slice.frame(1, run.business_date))
            writer.publish()
    assert people_slice.read(people) == {}
    assert relations(people) == {}
