"""What is too large is refused while it streams, before memory grows; what is cut off is never the end of the data."""

from __future__ import annotations

import gzip
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from retention.sources.errors import FileReplaced, FileTooLarge, SourceUnreachable, SourceUnreadable
from retention.sources.files import FileStore
from retention.sources.files.reading import SourceFile
from tests.retention.sources.reading import LIMITS, count_rows, entity, read_rows, rows_of, texts

HEADER = b"id,who,words\n"


def zstd(data: bytes) -> bytes:
    return pa.compress(data, "zstd", asbytes=True)  # type: ignore[no-any-return]


@pytest.mark.parametrize(("ending", "pack"), [(".gz", gzip.compress), (".zst", zstd)], ids=["gzip", "zstd"])
class TestCompressed:
    def test_is_read(self, tmp_path: Path, ending: str, pack: Callable[[bytes], bytes]) -> None:
        (tmp_path / f"a.csv{ending}").write_bytes(pack(HEADER + b"1,Ana,x\n") + pack(b"2,Bo,y\n"))  # two members, one text
        assert texts(read_rows(tmp_path, entity(f"a.csv{ending}", "csv")), "id") == [(2, "1"), (3, "2")]
        (tmp_path / f"a.jsonl{ending}").write_bytes(pack(b'{"id": 1}\n'))
        assert texts(read_rows(tmp_path, entity(f"a.jsonl{ending}", "jsonl")), "id") == [(1, "1")]
        (tmp_path / f"a.json{ending}").write_bytes(pack(b'[{"id": 1}, {"id": 2}]'))
        assert texts(read_rows(tmp_path, entity(f"a.json{ending}", "json")), "id") == [(1, "1"), (2, "2")]

    def test_cut_off_anywhere_stops(self, tmp_path: Path, ending: str, pack: Callable[[bytes], bytes]) -> None:
        packed = pack(HEADER + b"".join(f"{n},Ana,{n * 7919 % 1000}\n".encode() for n in range(2000)))
        for end in (len(packed) // 2, len(packed) - 5, len(packed) - 1, 12):
            (tmp_path / f"a.csv{ending}").write_bytes(packed[:end])
            with pytest.raises(SourceUnreadable, match=r"stream is broken or cut off behind [\d,]+ unpacked bytes"):
                read_rows(tmp_path, entity(f"a.csv{ending}", "csv"))

    def test_a_bomb_stops_before_it_unfolds(self, tmp_path: Path, ending: str, pack: Callable[[bytes], bytes]) -> None:
        (tmp_path / f"a.csv{ending}").write_bytes(pack(HEADER + b"1,Ana,xxxxxxxxxxxxxxxxxxx\n" * 3_000_000))  # 78 MB
        spec = entity(f"a.csv{ending}", "csv")
        with pytest.raises(
            FileTooLarge, match=r"unpacked bytes per packed byte: expected at most 200 .*found [\d,]+ in its first"
        ):
            count_rows(tmp_path, spec)
        with pytest.raises(FileTooLarge, match=r"what it unpacks to: expected at most 9,000,000 .*found more than 8,388,608"):
            count_rows(tmp_path, spec, max_unpacked_bytes=9_000_000)
        tracemalloc.start()
        with pytest.raises(FileTooLarge, match="a file read as a whole: expected at most 9,000,000"):
            count_rows(tmp_path, entity(f"a.csv{ending}", "json", mode="snapshot"), max_document_bytes=9_000_000)
        assert tracemalloc.get_traced_memory()[1] < 40_000_000
        tracemalloc.stop()

    def test_rubbish_under_that_name_stops(self, tmp_path: Path, ending: str, pack: Callable[[bytes], bytes]) -> None:
        (tmp_path / f"a.csv{ending}").write_bytes(HEADER + b"1,Ana,secret\n")
        with pytest.raises(SourceUnreadable, match="cut off behind 0 unpacked bytes"):
            read_rows(tmp_path, entity(f"a.csv{ending}", "csv"))
        (tmp_path / f"a.csv{ending}").write_bytes(pack(HEADER) + b"more")
        with pytest.raises(SourceUnreadable, match="stream is broken"):
            read_rows(tmp_path, entity(f"a.csv{ending}", "csv"))


def test_a_file_over_the_limit_is_not_opened(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(HEADER)
    with path.open("r+b") as stream:
        stream.truncate(5_000_000_000)  # a hole: no disk is used
    with pytest.raises(FileTooLarge, match=r"its bytes: expected at most 4,000,000,000 .*found 5,000,000,000"):
        read_rows(tmp_path, entity("a.csv", "csv"), max_file_bytes=4_000_000_000)


def test_five_gigabytes_without_a_line_stop_at_sixteen_megabytes(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(HEADER)
    with path.open("r+b") as stream:
        stream.truncate(5_000_000_000)
    tracemalloc.start()
    with pytest.raises(SourceUnreadable, match="the record that begins in line 2 has no end within 16,777,216 bytes"):
        read_rows(tmp_path, entity("a.csv", "csv"))
    assert tracemalloc.get_traced_memory()[1] < 120_000_000
    tracemalloc.stop()
    with pytest.raises(SourceUnreadable, match="line 2 has no end within 16,777,216 bytes"):
        read_rows(tmp_path, entity("a.csv", "jsonl"))


def test_a_store_that_understates_a_size_does_not_get_round_the_limit(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(HEADER + b"1,Ana,x\n" * 1000)
    store = FileStore(str(tmp_path), "desk", LIMITS.__class__(max_file_bytes=1000))
    with pytest.raises(FileTooLarge, match=r"its bytes: expected at most 1,000 .*found more than"):
        rows_of(store, SourceFile("a.csv", 10, None), entity("a.csv", "csv"))


def test_a_file_written_to_between_its_hash_and_its_end_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(HEADER + b"1,Ana,x\n")
    spec, store = entity("a.csv", "csv"), FileStore(str(tmp_path), "desk", LIMITS)
    file = SourceFile("a.csv", path.stat().st_size, None)
    decided = SourceFile("a.csv", file.size, None, sha256=store.sha256(file, spec))
    assert len(rows_of(store, decided, spec)) == 1
    path.write_bytes(HEADER + b"1,Bo,xx\n")
    with pytest.raises(FileReplaced, match=r"desk survey_answer: a\.csv was written to while it was read"):
        rows_of(store, decided, spec)
    assert len(rows_of(store, file, spec)) == 1  # without what was decided upon nobody would notice


def test_a_store_that_breaks_off_is_no_end_of_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress(HEADER + b"1,Ana,x\n"))
    store, spec = FileStore(str(tmp_path), "desk", LIMITS), entity("a.csv.gz", "csv")

    def breaks(self: object, size: int = -1) -> bytes:
        raise OSError("connection reset by key=SECRET")

    monkeypatch.setattr("fsspec.implementations.local.LocalFileOpener.read", breaks, raising=False)
    with pytest.raises(SourceUnreachable, match=r"its store broke off after 0 bytes \(OSError\)") as caught:
        rows_of(store, SourceFile("a.csv.gz", 1, None), spec)
    assert "SECRET" not in str(caught.value)


def test_parquet_that_unfolds_to_gigabytes_comes_in_small_parts(tmp_path: Path) -> None:
    text = "x" * 1_000_000
    table = pa.table({"id": pa.array([str(n) for n in range(150)]), "words": pa.array([text] * 150)})
    pq.write_table(table, tmp_path / "a.parquet")
    assert (tmp_path / "a.parquet").stat().st_size < 2_000_000
    store, spec = FileStore(str(tmp_path), "desk", LIMITS), entity("a.parquet", "parquet")
    sizes = [count for _, count, _ in store.read(SourceFile("a.parquet", 1, None), spec, lambda names: None)]
    assert sum(sizes) == 150
    assert max(sizes) <= 68
    del table
    rows = read_rows(tmp_path, spec, max_value_bytes=999_999)
    assert all(row["id"] is None and row["words"] is None for _, row in rows)


def test_parquet_with_bytes_that_are_no_text(tmp_path: Path) -> None:
    words = pa.StringArray.from_buffers(2, pa.py_buffer(b"\0\0\0\0\2\0\0\0\4\0\0\0"), pa.py_buffer(b"ok\xff\xfe"))
    pq.write_table(pa.table({"id": ["1", "2"], "words": words}), tmp_path / "a.parquet")
    assert texts(read_rows(tmp_path, entity("a.parquet", "parquet")), "id", "words") == [(1, "1", "ok"), (2, None, None)]


@pytest.mark.parametrize(
    "damage", [lambda data: data[:-3], lambda data: data[:50] + b"\xff" * 40 + data[90:], lambda data: b"PAR1"]
)
def test_broken_parquet_stops(tmp_path: Path, damage: Callable[[bytes], bytes]) -> None:
    pq.write_table(pa.table({"id": [str(n) for n in range(999)], "words": ["w"] * 999}), tmp_path / "a.parquet")
    (tmp_path / "a.parquet").write_bytes(damage((tmp_path / "a.parquet").read_bytes()))
    with pytest.raises(SourceUnreadable, match=r"a\.parquet is no readable parquet"):
        read_rows(tmp_path, entity("a.parquet", "parquet"))


def test_parquet_limits(tmp_path: Path) -> None:
    pq.write_table(pa.table({f"c{n}": [1] for n in range(30)}), tmp_path / "a.parquet")
    with pytest.raises(FileTooLarge, match=r"its columns: expected at most 20 .*found 30"):
        read_rows(tmp_path, entity("a.parquet", "parquet"), max_columns=20)
    pq.write_table(pa.table({"id": [str(n) for n in range(5000)]}), tmp_path / "a.parquet")
    with pytest.raises(FileTooLarge, match="what it unpacks to: expected at most 1,000"):
        read_rows(tmp_path, entity("a.parquet", "parquet"), max_unpacked_bytes=1000)


def test_ratio_is_judged_by_what_really_was_read(tmp_path: Path) -> None:
    """A short file of equal lines packs better than the limit and is no bomb."""
    content = HEADER + b"1,Ana,xxxxxxxxxxxxxxxxxxxxxxxxxx\n" * 200_000
    packed = gzip.compress(content)
    assert len(content) > 200 * len(packed)
    (tmp_path / "a.csv.gz").write_bytes(packed)
    assert count_rows(tmp_path, entity("a.csv.gz", "csv")) == 200_000


@pytest.mark.parametrize("name", ["a.csv", "a.csv.gz", "a.csv.zst"])
def test_the_head_of_a_file_is_unpacked_and_short(tmp_path: Path, name: str) -> None:
    content = HEADER + b"1,Ana,x\n" * 50_000
    pack = {"gz": gzip.compress, "zst": zstd}.get(name.rpartition(".")[2], bytes)
    (tmp_path / name).write_bytes(pack(content))
    store = FileStore(str(tmp_path), "desk", LIMITS)
    file = SourceFile(name, 1, None)
    assert store.head(file, entity(name, "csv"), 100) == content[:100]
    assert store.head(file, entity(name, "csv"), 10_000_000) == content
