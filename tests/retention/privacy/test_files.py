"""Files are rewritten without one person; everything else stays byte for byte."""

from __future__ import annotations

import gzip
from dataclasses import replace
from pathlib import Path

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from retention.deployment import Deployment
from retention.privacy.documents import records_of
from retention.privacy.files import FileStore, FilesUnreadable, PersonMatcher, configured_stores, count_rows, planned_rewrites
from retention.privacy.subject import Subject

HANA = Subject(
    keys=frozenset({1}),
    ids=frozenset({("crm", "H1")}),
    orders=frozenset({("sales", "O9")}),
    addresses=frozenset({"hana@example.com"}),
)


def store(folder: Path, name: str, kind: str, **more: str) -> FileStore:
    return FileStore(
        source="desk",
        entity="complaint",
        root=str(folder),
        pattern=name,
        format=kind,
        id_columns=("client",),
        order_columns=("order",),
        contact_columns=("contact",),
        **more,
    )


def rewrite(where: FileStore, numbers_from: frozenset[str] | None = None) -> int:
    removed = 0
    for planned in planned_rewrites(where, PersonMatcher(where, HANA, numbers_from)):
        planned.apply()
        removed += planned.removed
    return removed


@pytest.mark.parametrize(
    ("content", "encoding", "delimiter", "kept"),
    [
        ('client,words\nH1,x\nI1,"a\r\nb, ""c"""\n', "utf-8", ",", 'client,words\nI1,"a\r\nb, ""c"""\n'),
        ("client,words\r\nI1,y\r\nH1,x", "utf-8", ",", "client,words\r\nI1,y\r\n"),
        ("client;words\nH1;x\nI1;投诉\n", "gb18030", ";", "client;words\nI1;投诉\n"),
        ("client,words\nH1,x\nI1,y\n", "utf-8-sig", ",", "client,words\nI1,y\n"),
        ("client,words\nH1,x\nI1,ü\n", "utf-16", ",", "client,words\nI1,ü\n"),
        ("order,words\nO9,x\nO8,y\n", "utf-8", ",", "order,words\nO8,y\n"),
        ("contact,words\nhana@example.com,x\n,y\n", "utf-8", ",", "contact,words\n,y\n"),
    ],
    ids=["quoted line break", "no last line feed", "gb18030 semicolon", "byte order mark", "utf-16", "order", "contact"],
)
def test_csv(tmp_path: Path, content: str, encoding: str, delimiter: str, kept: str) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(content.encode(encoding))
    path.chmod(0o640)
    assert rewrite(store(tmp_path, "*.csv", "csv", encoding=encoding, delimiter=delimiter)) == 1
    assert path.read_bytes() == kept.encode(encoding)
    assert path.stat().st_mode & 0o777 == 0o640
    assert [p.name for p in tmp_path.iterdir()] == ["a.csv"], "no temporary file stays"


def test_json_lines_and_parquet(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"client": "H1"}\nnot json\n{"client": "I1"}\n')
    pq.write_table(pa.table({"client": ["H1", "I1", "H1"], "n": [1, 2, 3]}), tmp_path / "a.parquet")
    assert rewrite(store(tmp_path, "*.jsonl", "jsonl")) == 1
    assert (tmp_path / "a.jsonl").read_text() == 'not json\n{"client": "I1"}\n'
    parquet = store(tmp_path, "*.parquet", "parquet")
    assert count_rows(parquet, PersonMatcher(parquet, HANA, None)) == {"desk:a.parquet": 2}
    assert rewrite(parquet) == 2
    assert pq.read_table(tmp_path / "a.parquet").to_pydict() == {"client": ["I1"], "n": [2]}


def test_a_file_without_the_person_is_not_touched(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("client\nI1\n")
    before = path.stat()
    assert rewrite(store(tmp_path, "*.csv", "csv")) == 0
    assert path.stat().st_mtime_ns == before.st_mtime_ns
    assert path.stat().st_ino == before.st_ino


def test_the_same_number_of_another_source_is_somebody_else(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("client\nH1\n")
    assert rewrite(store(tmp_path, "*.csv", "csv"), frozenset({"desk"})) == 0
    assert rewrite(store(tmp_path, "*.csv", "csv"), frozenset({"crm"})) == 1


def test_a_file_in_another_encoding_is_named_and_left(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"client\n\xff\xfe\n")
    with pytest.raises(FilesUnreadable, match=r"desk:a\.csv: not utf-8 at byte 7"):
        rewrite(store(tmp_path, "*.csv", "csv"))


def test_an_object_store_is_rewritten_too() -> None:
    import fsspec

    memory = fsspec.filesystem("memory")
    memory.pipe_file("/bucket/a.csv", b"client\nH1\nI1\n")
    assert rewrite(replace(store(Path("x"), "*.csv", "csv"), root="memory://bucket")) == 1
    assert memory.cat_file("/bucket/a.csv") == b"client\nI1\n"


def test_stores_come_from_the_descriptions_of_sources(tmp_path: Path) -> None:
    (tmp_path / "desk.yml").write_text(
        "source: desk\nkind: files\nconnection: DESK\nentities:\n"
        "  complaint:\n    path: 'complaints/{date}.csv'\n    format: csv\n    options: {delimiter: ';', encoding: gb18030}\n"
        "    key: [case]\n    columns: {complaint_id: case, customer_id: {from: client}, order_id: order}\n"
        "  referral:\n    path: 'r/*.jsonl'\n    format: jsonl\n    key: [referral_id]\n    columns: same\n"
    )
    (tmp_path / "crm.yml").write_text("source: crm\nkind: sql\nconnection: CRM\nentities: {}\n")
    deployment = Deployment.from_env(
        {"RETENTION_HOME": str(tmp_path / "home"), "RETENTION_SOURCES_DIR": str(tmp_path), "RETENTION_SOURCE_DESK_URL": "/data"}
    )
    complaint, referral = configured_stores(deployment)
    assert (complaint.root, complaint.pattern, complaint.delimiter) == ("/data", "complaints/*.csv", ";")
    assert (complaint.id_columns, complaint.order_columns) == (("client",), ("order",))
    assert referral.id_columns == ("customer_id", "referrer_customer_id", "referred_customer_id")


@pytest.mark.parametrize(
    ("before", "records", "after", "removed"),
    [
        ('[{"client": "H1"},\n {"client": "I1", "n": 1.50}]', "", '[{"client": "I1", "n": 1.50}]', 1),
        ('{"client": "H1", "n": 1}', "", "[]", 1),
        ('{"ok": true, "data": {"items": [ {"client": "I1"} , {"client": "H1"} , 7]}, "next": null}', "data.items",
         '{"ok": true, "data": {"items": [{"client": "I1"},7]}, "next": null}', 1),
        ('{"data": {"client": "H1"}, "x": "\\"data\\": {"}', "data", '{"data": [], "x": "\\"data\\": {"}', 1),
        ('\ufeff[{"client": "H1"}]', "", "\ufeff[]", 1),
        ('[{"client": "I1"}]', "", '[{"client": "I1"}]', 0),
    ],
    ids=["list", "one object", "list inside", "object inside", "byte order mark", "somebody else"],
)  # fmt: skip
def test_json_documents(tmp_path: Path, before: str, records: str, after: str, removed: int) -> None:
    (tmp_path / "a.json").write_text(before, encoding="utf-8")
    where = store(tmp_path, "*.json", "json", records=records)
    assert count_rows(where, PersonMatcher(where, HANA, None)) == ({"desk:a.json": 1} if removed else {})
    assert rewrite(where) == removed
    assert (tmp_path / "a.json").read_text(encoding="utf-8") == after
    assert rewrite(where) == 0


def test_names_with_dots_find_the_person_inside(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"by": {"client": "H1"}}\n{"by": {"client": "I1"}}\n')
    assert rewrite(replace(store(tmp_path, "*.jsonl", "jsonl"), id_columns=("by.client",))) == 1
    assert (tmp_path / "a.jsonl").read_text() == '{"by": {"client": "I1"}}\n'


def test_a_broken_event_that_names_the_person_is_not_passed_over(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('{"client": "I1", "mail": "ivo@exa')
    assert rewrite(store(tmp_path, "*.json", "json")) == 0
    (tmp_path / "a.json").write_text('{"client": "H1", "mail": "hana@example.com"')
    with pytest.raises(
        FilesUnreadable, match=r"desk:a\.json: no readable JSON, and the person's address stands in it"
    ) as caught:
        rewrite(store(tmp_path, "*.json", "json"))
    assert "hana" not in str(caught.value)


@pytest.mark.parametrize("name", ["a.csv.gz", "a.csv.zst"])
def test_compressed_files_are_packed_again(tmp_path: Path, name: str) -> None:
    content = "client,words\nH1,x\nI1,ü\n".encode("utf-8-sig")
    packed = gzip.compress(content) if name.endswith("gz") else pa.compress(content, "zstd", asbytes=True)
    (tmp_path / name).write_bytes(packed)
    assert rewrite(store(tmp_path, "*.csv.*", "csv")) == 1
    stream = pa.CompressedInputStream(
        pa.BufferReader((tmp_path / name).read_bytes()), "gzip" if name.endswith("gz") else "zstd"
    )
    assert stream.read() == "client,words\nI1,ü\n".encode("utf-8-sig")
    (tmp_path / name).write_bytes(packed[:-6])
    with pytest.raises(FilesUnreadable, match=r"broken or cut off\. The file was left as it is"):
        rewrite(store(tmp_path, "*.csv.*", "csv"))
    assert (tmp_path / name).read_bytes() == packed[:-6]


def test_a_workbook_is_left_and_its_rows_are_named(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    for row in (["List"], ["client", "contact"], ["I1", None], ["H1", None], ["I2", "hana@example.com"], [7.0, "x"]):
        sheet.append(row)
    book.save(tmp_path / "list.xlsx")
    where = store(tmp_path, "*.xlsx", "excel")
    assert count_rows(where, PersonMatcher(where, HANA, None)) == {"desk:list.xlsx": 2}
    before = (tmp_path / "list.xlsx").read_bytes()
    with pytest.raises(FilesUnreadable, match=r"desk:list\.xlsx: 2 rows are the person's \(row 4, 5\)") as caught:
        rewrite(where)
    assert "hana@" not in str(caught.value)
    assert (tmp_path / "list.xlsx").read_bytes() == before
    seven = replace(HANA, ids=frozenset({("crm", "7")}), orders=frozenset(), addresses=frozenset())
    assert count_rows(where, PersonMatcher(where, seven, None)) == {"desk:list.xlsx": 1}, "7.0 in a sheet is customer 7"
    (tmp_path / "list.xlsx").write_bytes(before[:-100])
    with pytest.raises(FilesUnreadable, match=r"it cannot be opened \(BadZipFile\); look for the person in it by hand"):
        rewrite(where)


@pytest.mark.parametrize("text", ["{", "[1,", "7", '{"a": {"b": 7}}', '{"a": 1}'])
def test_records_that_are_not_there(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        records_of(text, "" if text in ("{", "[1,", "7") else "a.b")
