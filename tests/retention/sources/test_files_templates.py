"""The templates of file sources, filled as their comments say, through extraction into landing."""

from __future__ import annotations

import gzip
import json
import os
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import fsspec
import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from retention.settings import IngestSettings, Settings
from retention.sources import FileTooLarge, SourceSpec, extract, load_spec
from retention.warehouse import Run


@pytest.fixture
def template(project: Path) -> Callable[[str], SourceSpec]:
    return lambda name: load_spec(project / "include" / "sources" / "templates" / f"{name}.yml")


def test_drop_folder(
    run: Run, template: Callable[[str], SourceSpec], tmp_path: Path, rows: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RETENTION_SOURCE_EVENTS_URL", str(tmp_path))
    for folder in ("app/2026-03-31", "mail-tool"):
        (tmp_path / folder).mkdir(parents=True)
    event = {"id": "E1", "type": "view_page", "ts": 1774922400000, "user": {"member_no": "C1"}}
    (tmp_path / "app/2026-03-31/1.json").write_text(json.dumps({"data": {"event": event | {"type": "view"}}}))
    (tmp_path / "app/2026-03-31/2.json").write_text(json.dumps({"data": [{"event": event | {"id": "E2", "type": "tap"}}]}))
    (tmp_path / "app/2026-03-31/3.json").write_text('{"data": {"ev')
    (tmp_path / "mail-tool/x.json").write_text('{"id": 9, "member": "C2", "event": "unsubscribe", "time": 1774922400}')
    (tmp_path / "mail-tool/young.json").write_text('{"id": 10}')
    for path in tmp_path.rglob("*.json"):
        if path.name != "young.json":
            os.utime(path, (1_700_000_000, 1_700_000_000))
    spec = template("drop_folder")
    first = extract(run, spec, "interaction")
    assert rows(
        "select interaction_id, customer_id, channel, kind, occurred_at, file from landing.interaction order by file"
    ) == [
        ("E1", "C1", "app", "page_view", "2026-03-31T10:00:00+08:00", "app/2026-03-31/1.json"),
        ("E2", "C1", "app", "click", "2026-03-31T10:00:00+08:00", "app/2026-03-31/2.json"),
        (None, None, "app", None, None, "app/2026-03-31/3.json"),
    ]
    assert first["notes"][0].startswith("app/2026-03-31/3.json set aside: is no readable json: Unterminated string starting")
    second = extract(run, spec, "campaign_event")
    assert rows("select event_id, customer_id, kind from landing.campaign_event") == [("9", "C2", "unsubscribed")]
    assert second["notes"] == ["1 files younger than 60 seconds wait for the next run"]


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """An object store in memory."""
    memory = fsspec.filesystem("memory")
    monkeypatch.setenv("RETENTION_SOURCE_EXPORTS_URL", "memory://templates")
    yield memory
    memory.rm("/templates", recursive=True)


def test_object_store(run: Run, template: Callable[[str], SourceSpec], bucket: Any, rows: Callable[..., Any]) -> None:
    people = "id,name,mail,mobile,lang,joined,created,changed\n" + "".join(
        f"C{n},{name},{name.lower()}@example.com,,zh,2025-01-0{n},2025-01-0{n} 10:00:00,2026-03-31 09:00:00\n"
        for n, name in enumerate(("Ana", "Bo"), 1)
    )
    bucket.pipe("/templates/crm/customers_2026-03-31.csv.gz", gzip.compress(people.encode()))
    for part, order in (("a", "O1"), ("b", "O2")):
        sink = pa.BufferOutputStream()
        pq.write_table(
            pa.table({name: [order if name == "order_no" else None] for name in (
                "order_no", "member", "placed", "paid", "cancelled", "refunded", "currency", "total", "rebate", "refund",
                "origin", "changed")}),
            sink,
        )  # fmt: skip
        bucket.pipe(f"/templates/shop/orders/2026-03-31/{part}.parquet", sink.getvalue().to_pybytes())
    spec = template("object_store")
    assert extract(run, spec, "customer")["rows"] == 2
    assert rows("select customer_id, member_since, created_at from landing.customer order by 1")[0] == (
        "C1", "2025-01-01T00:00:00+08:00", "2025-01-01T10:00:00+08:00"
    )  # fmt: skip
    assert extract(run, spec, "order")["files"] == ["shop/orders/2026-03-31/a.parquet", "shop/orders/2026-03-31/b.parquet"]
    assert rows("select order_id, position, file from landing.order order by 1") == [
        ("O1", 1, "shop/orders/2026-03-31/a.parquet"), ("O2", 1, "shop/orders/2026-03-31/b.parquet")
    ]  # fmt: skip


def test_staff_list(
    run: Run, template: Callable[[str], SourceSpec], tmp_path: Path, rows: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RETENTION_SOURCE_LISTS_URL", str(tmp_path))
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = "标签"
    for row in (["客户标签 2026"], [], ["客户编号", "标签", "登记人", "登记日期"], ["C1", "VIP", "Hana", date(2026, 3, 30)],
                [10002, "投诉敏感", "Ivo", "2026-03-31"]):  # fmt: skip
        sheet.append(row)
    book.save(tmp_path / "客户标签.xlsx")
    spec = template("staff_list")
    extract(run, spec, "customer_tag")
    assert rows("select position, customer_id, tag, set_by, set_at from landing.customer_tag order by 1") == [
        (4, "C1", "VIP", "Hana", "2026-03-30T00:00:00+08:00"),
        (5, "10002", "投诉敏感", "Ivo", "2026-03-31T00:00:00+08:00"),
    ]
    (tmp_path / "prices").mkdir()
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    for row in (["SKU", "品名", "类目", "品牌", "标价", "成本", "消耗品"], ["P1", "茶", "食品", "A", 1234.5, 0.1 + 0.2, "是"]):
        sheet.append(row)
    book.save(tmp_path / "prices" / "a.xlsx")
    extract(run, spec, "product")
    assert rows("select product_id, list_price, unit_cost, is_replenishable from landing.product") == [
        ("P1", "1234.5", "0.3", "true")
    ]


def test_limits_are_those_of_the_run(
    make_run: Callable[..., Run], template: Callable[[str], SourceSpec], bucket: Any, rows: Callable[..., Any]
) -> None:
    bucket.pipe("/templates/crm/customers_2026-03-31.csv.gz", gzip.compress(b"id\n" * 1000))
    tight = make_run(settings=Settings(ingest=IngestSettings(max_file_bytes=10)))
    with pytest.raises(
        FileTooLarge, match=r"exports customer: crm/customers_2026-03-31\.csv\.gz: its bytes: expected at most 10 "
    ):
        extract(tight, template("object_store"), "customer")
    assert rows("select state, message like '%See docs%' or message like '%expected at most 10%' from ops.batch") == [
        ("failed", True)
    ]
