"""Files in every usual dress become the same columns of text; what is no table is refused with words."""

from __future__ import annotations

import gzip
from pathlib import Path

import pandas as pd
import pytest

from retention.evaluate.errors import HistoryUnusable
from retention.evaluate.reading import read_file

ANA_AND_BO = "customer_id,order_date,amount\nana,2026-01-05,10.50\nbo,2026-01-06,7\n"


def frame_of(path: Path) -> pd.DataFrame:
    return read_file(path).table.to_pandas()


@pytest.mark.parametrize(
    ("name", "data"),
    [
        pytest.param("plain.csv", ANA_AND_BO.encode(), id="comma"),
        pytest.param("mark.csv", b"\xef\xbb\xbf" + ANA_AND_BO.encode(), id="byte order mark"),
        pytest.param("semicolon.csv", ANA_AND_BO.replace(",", ";").encode(), id="semicolon"),
        pytest.param("tabs.tsv", ANA_AND_BO.replace(",", "\t").encode(), id="tab"),
        pytest.param("blanks.txt", ANA_AND_BO.replace(",", "   ").encode(), id="aligned by blanks"),
        pytest.param("wide.csv", ANA_AND_BO.encode("utf-16"), id="UTF-16"),
        pytest.param("windows.csv", ANA_AND_BO.replace("\n", "\r\n").encode(), id="Windows lines"),
        pytest.param("packed.csv.gz", gzip.compress(ANA_AND_BO.encode()), id="packed"),
        pytest.param("quoted.csv", ANA_AND_BO.replace("ana", '"ana"').encode(), id="quotes"),
    ],
)
def test_the_same_rows_in_every_dress(tmp_path: Path, name: str, data: bytes) -> None:
    (tmp_path / name).write_bytes(data)
    found = frame_of(tmp_path / name)
    assert list(found.columns) == ["customer_id", "order_date", "amount"]
    assert found["customer_id"].tolist() == ["ana", "bo"]
    assert found["amount"].tolist() == ["10.50", "7"]


def test_parquet_keeps_its_types_and_drops_what_is_nested(tmp_path: Path) -> None:
    rows = pd.DataFrame({"customer": pd.Categorical(["ana", "bo"]), "total": [10.5, 7.0], "tags": [["a"], ["b"]]})
    rows.to_parquet(tmp_path / "orders.parquet")
    found = read_file(tmp_path / "orders.parquet").table
    assert found.column_names == ["customer", "total"]
    assert found.column("customer").to_pylist() == ["ana", "bo"]


def test_chinese_names_of_columns_above_amounts_with_signs(tmp_path: Path) -> None:
    text = "订单编号,会员号,下单时间,实付金额\n" + "".join(f"{i},K{i},2026-01-05,¥{i}.00\n" for i in range(50))
    (tmp_path / "orders.csv").write_bytes(text.encode("gb18030"))
    assert list(frame_of(tmp_path / "orders.csv").columns) == ["订单编号", "会员号", "下单时间", "实付金额"]


def test_a_file_without_names_of_columns_counts_them(tmp_path: Path) -> None:
    (tmp_path / "log.txt").write_text("00004 19970101 2 29.33\n00021 19970103 3 63.34\n")
    found = read_file(tmp_path / "log.txt")
    assert not found.has_header
    assert found.table.column_names == ["1", "2", "3", "4"]
    assert found.table.column("1").to_pylist() == ["00004", "00021"]


def test_lines_of_another_width_are_left_out_and_counted(tmp_path: Path) -> None:
    (tmp_path / "orders.csv").write_text(ANA_AND_BO + "cem,2026-01-07\n" + "dai,2026-01-08,3\n")
    found = read_file(tmp_path / "orders.csv")
    assert found.table.num_rows == 3
    assert any("1 of 4 lines have another number of columns" in note for note in found.notes)


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        pytest.param("empty.csv", b"", "is empty", id="empty"),
        pytest.param("blank.csv", b"\n \n", "is empty", id="blank lines"),
        pytest.param("header.csv", b"customer_id,date,amount\n", "no rows below", id="names only"),
        pytest.param("cut.csv.gz", gzip.compress(ANA_AND_BO.encode() * 50)[:40], "does not unpack", id="cut archive"),
        pytest.param("bad.parquet", b"PAR1 and nothing else PAR1", "damaged", id="damaged Parquet"),
        pytest.param("bad.xlsx", b"PK\x03\x04 and nothing else", "damaged", id="damaged workbook"),
    ],
)
def test_what_is_no_table_is_refused_with_words(tmp_path: Path, name: str, data: bytes, words: str) -> None:
    (tmp_path / name).write_bytes(data)
    with pytest.raises(HistoryUnusable, match=words):
        read_file(tmp_path / name)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(HistoryUnusable, match="does not exist"):
        read_file(tmp_path / "missing.csv")
    with pytest.raises(HistoryUnusable, match="is a folder"):
        read_file(tmp_path)
