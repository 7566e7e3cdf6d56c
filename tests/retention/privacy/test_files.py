"""Files are rewritten without one person; everything else stays byte for byte."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from retention.privacy.files import FileStore, FilesUnreadable, PersonMatcher, configured_stores, count_rows, planned_rewrites
from retention.privacy.subject import Subject
from retention.settings import Deployment

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
