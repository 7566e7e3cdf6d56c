"""Loading: two writers make one batch or none, in memory that does not grow, found again by an index that costs nothing."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import sqlalchemy as sa

import retention.sources.loading as module
from retention.sources.loading import load
from retention.sources.pipes import ahead
from retention.sources.read import batch_schema
from retention.sources.spec import EntitySpec, load_spec
from retention.warehouse import Warehouse
from retention.warehouse.errors import ConnectionLost, RetentionError


@pytest.fixture
def answers(tmp_path: Path) -> EntitySpec:
    (tmp_path / "shop.yml").write_text(
        "source: shop\nkind: sql\nconnection: SHOP\nentities:\n  survey_answer:\n    table: reply\n    key: [nr]\n    mode: full\n"
        "    columns: {answer_id: nr, comment: said}\n"
    )
    return load_spec(tmp_path / "shop.yml").entities["survey_answer"]


def batches_of(rows: int, size: int = 1000) -> Iterator[pa.RecordBatch]:
    schema = batch_schema("survey_answer")
    for start in range(0, rows, size):
        count = min(size, rows - start)
        columns = {name: pa.nulls(count, pa.string()) for name in schema.names}
        columns["position"] = pa.array(range(start + 1, start + count + 1), pa.int64())
        columns["answer_id"] = pa.array([str(n) for n in range(start, start + count)])
        columns["comment"] = pa.array(["Ana said it"] * count)
        columns["is_simulated"] = pa.array(["false"] * count)
        yield pa.RecordBatch.from_arrays([columns[name] for name in schema.names], schema=schema)


@pytest.fixture
def used(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Rows that each writer brought, in the order in which the writers began."""
    brought: list[int] = []
    ingest = module.ingest_arrow

    def counting(warehouse: Warehouse, table: str, data: Any) -> int:
        place = len(brought)
        brought.append(0)
        brought[place] = ingest(warehouse, table, data)
        return brought[place]

    monkeypatch.setattr(module, "ingest_arrow", counting)
    return brought


def test_a_small_delivery_takes_one_connection(warehouse: Warehouse, answers: EntitySpec, used: list[int]) -> None:
    assert load(warehouse, answers, 1, batches_of(500)) == 500
    assert used == [500]


def test_two_writers_make_one_batch(
    warehouse: Warehouse, answers: EntitySpec, used: list[int], rows: Callable[..., Any]
) -> None:
    assert load(warehouse, answers, 7, batches_of(60_000)) == 60_000
    assert len(used) == 2
    assert sum(used) == 60_000
    assert rows(
        "select count(*), count(distinct position), min(position), max(position), count(distinct answer_id), min(batch_id), "
        "max(batch_id), count(customer_id) from landing.survey_answer"
    ) == [(60_000, 60_000, 1, 60_000, 60_000, 7, 7, 0)]


def test_nothing_to_load_opens_no_connection(warehouse: Warehouse, answers: EntitySpec, used: list[int]) -> None:
    assert load(warehouse, answers, 1, iter(())) == 0
    assert used == []


def test_a_source_that_dies_in_the_middle_leaves_nothing(
    warehouse: Warehouse, answers: EntitySpec, rows: Callable[..., Any], used: list[int]
) -> None:
    """With both writers at work: neither may commit the half that it has."""

    def dying() -> Iterator[pa.RecordBatch]:
        yield from batches_of(40_000)
        assert len(used) == 2
        raise ConnectionResetError("the source went away")

    with pytest.raises(ConnectionResetError, match="the source went away"):
        load(warehouse, answers, 1, dying())
    assert rows("select count(*) from landing.survey_answer") == [(0,)]


def test_a_row_that_the_warehouse_refuses_fails_the_batch(
    warehouse: Warehouse, answers: EntitySpec, rows: Callable[..., Any]
) -> None:
    """The other writer's half is refused as well; the message names no value."""
    with warehouse.begin() as connection:
        connection.execute(sa.text("alter table landing.survey_answer add constraint short check (length(comment) < 5)"))
    with pytest.raises(RetentionError, match=r"loading landing\.survey_answer") as caught:
        load(warehouse, answers, 1, batches_of(40_000))
    assert "Ana" not in str(caught.value)
    assert rows("select count(*) from landing.survey_answer") == [(0,)]


def test_a_writer_that_fails_ends_the_reading(
    warehouse: Warehouse, answers: EntitySpec, rows: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The reading is endless: it is the failure of the writer that ends it, and it comes out as what it was."""

    def endless() -> Iterator[pa.RecordBatch]:
        while True:
            yield from batches_of(1000)

    ingest = module.ingest_arrow

    def losing(warehouse: Warehouse, table: str, data: pa.RecordBatchReader) -> int:
        if threading.current_thread().name.endswith("-1"):
            data.read_next_batch()
            raise ConnectionLost("loading: the connection was lost")
        return ingest(warehouse, table, data)

    monkeypatch.setattr(module, "ingest_arrow", losing)
    with pytest.raises(ConnectionLost):
        load(warehouse, answers, 1, endless())
    assert rows("select count(*) from landing.survey_answer") == [(0,)]
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("load-")]


def test_without_abandoning_the_half_would_be_committed(
    warehouse: Warehouse, answers: EntitySpec, rows: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The guard off: writers that are told the end of data, and not to give up, commit what they have."""

    def dying() -> Iterator[pa.RecordBatch]:
        yield from batches_of(40_000)
        raise ConnectionResetError

    monkeypatch.setattr(module._Writers, "abandon", module._Writers.finish)
    with pytest.raises(ConnectionResetError):
        load(warehouse, answers, 1, dying())
    assert rows("select count(*) from landing.survey_answer") == [(40_000,)]


def test_no_more_waits_than_is_allowed(warehouse: Warehouse, answers: EntitySpec, monkeypatch: pytest.MonkeyPatch) -> None:
    """Memory is bounded by what waits: a source that is faster than the warehouse is held up."""
    made: list[int] = []
    written: list[int] = []
    lead: list[int] = []
    ingest = module.ingest_arrow

    def slow(warehouse: Warehouse, table: str, data: pa.RecordBatchReader) -> int:
        def counted() -> Iterator[pa.RecordBatch]:
            for batch in data:
                written.append(1)
                yield batch

        return ingest(warehouse, table, pa.RecordBatchReader.from_batches(data.schema, counted()))

    def source() -> Iterator[pa.RecordBatch]:
        for batch in batches_of(200_000):
            made.append(1)
            lead.append(len(made) - len(written))
            yield batch

    monkeypatch.setattr(module, "ingest_arrow", slow)
    load(warehouse, answers, 1, ahead(source()))
    assert len(made) == len(written) == 200
    assert max(lead) <= 2 * 4 + 2 + 2  # two lines of four, one in every hand


def test_reading_ahead_stops_with_its_reader() -> None:
    ended = threading.Event()

    def endless() -> Iterator[int]:
        try:
            number = 0
            while True:
                yield (number := number + 1)
        finally:
            ended.set()

    reading = ahead(endless())
    assert [next(reading) for _ in range(3)] == [1, 2, 3]
    reading.close()
    assert ended.wait(10)
    assert not [thread for thread in threading.enumerate() if thread.name == "read-ahead"]


def test_reading_ahead_keeps_order_and_error() -> None:
    def failing() -> Iterator[int]:
        yield from range(20)
        raise ValueError("page 3 cannot be read")

    seen = []
    with pytest.raises(ValueError, match="page 3"):
        for number in ahead(failing()):
            seen.append(number)  # noqa: PERF402  # what came before the error is what matters
    assert seen == list(range(20))


def test_the_index_by_batch_finds_one_batch_among_many(
    warehouse: Warehouse, answers: EntitySpec, rows: Callable[..., Any]
) -> None:
    for batch_id in range(1, 9):
        load(warehouse, answers, batch_id, batches_of(20_000, 5000))
    with warehouse.begin() as connection:
        connection.exec_driver_sql("analyze landing.survey_answer")
        plan = "\n".join(
            connection.exec_driver_sql(
                "explain (analyze, buffers, timing off) select * from landing.survey_answer where batch_id = 5"
            ).scalars()
        )
    assert "Bitmap Index Scan" in plan
    pages = rows("select relpages from pg_class where oid = 'landing.survey_answer'::regclass")[0][0]
    read = sum(int(part.partition(" ")[0]) for part in plan.partition("Heap Blocks: lossy=")[2].split("\n")[:1])
    assert 0 < read < pages / 2, f"{read} of {pages} pages\n{plan}"
