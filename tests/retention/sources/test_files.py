"""File sources: what is read, what is skipped, and the different ways in which nothing, or something wrong, arrives."""

from __future__ import annotations

import gzip
import os
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import fsspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from retention.sources import (
    ColumnMissing,
    EmptyDay,
    EmptyFile,
    FileChanged,
    FileMissing,
    FolderMissing,
    HeaderOnlyFile,
    PathRefused,
    SourceSpec,
    SourceUnreadable,
    extract,
    load_spec,
)
from retention.warehouse import Run

DAY_2 = date(2026, 4, 1)
HEADER = "answer_id,customer_id,instrument,score,comment,answered_at,updated_at\n"


def survey_spec(folder: Path, body: str) -> SourceSpec:
    (folder / "desk.yml").write_text(
        "source: desk\nkind: files\nconnection: DESK\ntimezone: Asia/Shanghai\nentities:\n  survey_answer:\n"
        "    key: [answer_id]\n" + body
    )
    return load_spec(folder / "desk.yml")


SAME_CSV = '    path: "answers_{date}.csv"\n    format: csv\n    columns: same\n'


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a service desk, empty."""
    folder = tmp_path / "desk"
    folder.mkdir()
    monkeypatch.setenv("RETENTION_SOURCE_DESK_URL", str(folder))
    return folder


def test_every_file_of_the_tiny_company_lands(run: Run, tiny: dict[str, SourceSpec], rows: Callable[..., Any]) -> None:
    for spec in tiny.values():
        for entity in spec.entities:
            assert extract(run, spec, entity)["state"] == "landed"
    assert rows("select count(*), bool_and(is_full), sum(rows_extracted) from ops.batch where state = 'landed'") == [
        (16, True, 228)
    ]
    assert rows("select count(*) from landing.order") == [(43,)]
    # Ana's order: naive times carry the source's offset, blanks are null, the row knows where it stood.
    assert rows(
        "select position, file, paid_at, cancelled_at, store, is_simulated from landing.order where order_id = 'O1001'"
    ) == [(2, "order_2026-03-31.csv", "2026-03-23T10:05:00+08:00", None, None, "false")]
    assert rows("select distinct rows, skipped from ops.file_manifest where path = 'order_2026-03-31.csv'") == [(43, None)]


def test_second_day_reads_only_its_own_file(
    make_run: Callable[..., Run], tiny: dict[str, SourceSpec], rows: Callable[..., Any], publish: Callable[[], None]
) -> None:
    extract(make_run(), tiny["sales"], "order")
    publish()
    result = extract(make_run(DAY_2), tiny["sales"], "order")
    assert (result["rows"], result["is_full"], result["files"]) == (3, False, ["order_2026-04-01.csv"])
    # Without publishing, the next day brings the unpublished day along: nothing is lost.
    third = extract(make_run(date(2026, 4, 2)), missing_file_ok(tiny["sales"]), "order")
    assert third["rows"] == 3


def missing_file_ok(spec: SourceSpec) -> SourceSpec:
    import dataclasses

    order = spec.entities["order"]
    lenient = dataclasses.replace(order, expect=dataclasses.replace(order.expect, missing_file="ok"))
    return dataclasses.replace(spec, entities={**spec.entities, "order": lenient})


def test_rerun_supersedes_and_a_published_day_is_left_alone(
    run: Run, tiny: dict[str, SourceSpec], rows: Callable[..., Any], publish: Callable[[], None]
) -> None:
    first, second = extract(run, tiny["crm"], "customer"), extract(run, tiny["crm"], "customer")
    states = dict(rows("select batch_id, state from ops.batch"))
    assert states == {first["batch_id"]: "superseded", second["batch_id"]: "landed"}
    assert rows("select count(*), count(distinct batch_id) from landing.customer") == [(15, 1)]
    publish()
    again = extract(run, tiny["crm"], "customer")
    assert (again["state"], again["batch_id"], again["rows"]) == ("published", None, 0)
    assert rows("select count(*) from ops.batch") == [(2,)]


def test_four_kinds_of_nothing_have_four_errors(
    make_run: Callable[..., Run], tiny: dict[str, SourceSpec], publish: Callable[[], None], tmp_path: Path
) -> None:
    folder = tmp_path / "data" / "sales"
    second = folder / "order_2026-04-01.csv"
    header = second.read_text().splitlines()[0] + "\n"
    extract(make_run(), tiny["sales"], "order")
    publish()

    second.write_text(header)
    with pytest.raises(HeaderOnlyFile, match=r"sales order 2026-04-01: order_2026-04-01\.csv has a header and no row"):
        extract(make_run(DAY_2), tiny["sales"], "order")
    second.write_bytes(b"")
    with pytest.raises(EmptyFile, match=r"order_2026-04-01\.csv has no bytes"):
        extract(make_run(DAY_2), tiny["sales"], "order")
    second.write_bytes((folder / "order_2026-03-31.csv").read_bytes())
    with pytest.raises(EmptyDay, match=r"has no row for the day \(its files were all loaded before\)"):
        extract(make_run(DAY_2), tiny["sales"], "order")
    second.unlink()
    with pytest.raises(FileMissing, match=r"no file matches order_2026-04-01\.csv; the folder has 1 of earlier days"):
        extract(make_run(DAY_2), tiny["sales"], "order")


def test_a_day_without_complaints_is_fine(
    make_run: Callable[..., Run], tiny: dict[str, SourceSpec], publish: Callable[[], None]
) -> None:
    extract(make_run(), tiny["crm"], "referral")
    publish()
    result = extract(make_run(DAY_2), tiny["crm"], "referral")
    assert (result["state"], result["rows"]) == ("landed", 0)
    assert result["notes"] == ["no rows on this day, which its description allows"]


def test_missing_folder(run: Run, desk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spec = survey_spec(desk.parent, SAME_CSV)
    monkeypatch.setenv("RETENTION_SOURCE_DESK_URL", str(desk / "gone"))
    with pytest.raises(FolderMissing, match="desk: its folder does not exist"):
        extract(run, spec, "survey_answer")


def test_changed_file_stops_and_a_copy_is_skipped(
    make_run: Callable[..., Run],
    tiny: dict[str, SourceSpec],
    publish: Callable[[], None],
    tmp_path: Path,
    rows: Callable[..., Any],
) -> None:
    folder = tmp_path / "data" / "crm"
    extract(make_run(), tiny["crm"], "consent")
    first = folder / "consent_2026-03-31.csv"
    body = first.read_text()
    first.write_text(body + body.splitlines()[-1] + "\n")
    assert extract(make_run(), tiny["crm"], "consent")["rows"] == 30  # not published yet: a repaired delivery is welcome
    publish()
    (folder / "consent_20260401.csv").write_bytes(first.read_bytes())
    result = extract(make_run(DAY_2), tiny["crm"], "consent")
    assert result["rows"] == 2
    assert result["notes"] == ["consent_20260401.csv skipped: same content as consent_2026-03-31.csv"]
    publish()
    first.write_text(body)
    (folder / "consent_2026-04-02.csv").write_text(body.splitlines()[0] + "\n")
    with pytest.raises(FileChanged, match=r"consent_2026-03-31\.csv was loaded on 2026-03-31 and has another content now"):
        extract(make_run(date(2026, 4, 2)), tiny["crm"], "consent")


@pytest.mark.parametrize("through_a_folder", [False, True], ids=["linked file", "linked folder"])
def test_links_out_of_the_folder_are_refused(run: Run, desk: Path, through_a_folder: bool) -> None:
    secret = desk.parent / "elsewhere"
    secret.mkdir()
    (secret / "answers_2026-03-31.csv").write_text(HEADER + "V1,C1,nps,9,,2026-03-31,2026-03-31\n")
    if through_a_folder:
        os.symlink(secret, desk / "day")
        spec = survey_spec(desk.parent, SAME_CSV.replace("answers_", "day/answers_"))
    else:
        os.symlink(secret / "answers_2026-03-31.csv", desk / "answers_2026-03-31.csv")
        spec = survey_spec(desk.parent, SAME_CSV)
    with pytest.raises(PathRefused, match=r"answers_2026-03-31\.csv is a link out of the source's folder"):
        extract(run, spec, "survey_answer")


def test_missing_column_names_the_nearest(run: Run, desk: Path) -> None:
    (desk / "answers_2026-03-31.csv").write_text("answer_nr,customer_id,instrument,score\nV1,C1,nps,9\n")
    spec = survey_spec(
        desk.parent,
        '    path: "answers_{date}.csv"\n    format: csv\n    columns: {answer_id: answer_no}\n'.replace("answer_id]", ""),
    )
    with pytest.raises(ColumnMissing, match="has no column answer_id, answer_no; did it become answer_nr"):
        extract(run, spec, "survey_answer")


def test_a_file_without_a_header_shows_nobody(run: Run, desk: Path, rows: Callable[..., Any]) -> None:
    spec = survey_spec(desk.parent, SAME_CSV)
    (desk / "answers_2026-03-31.csv").write_text("1,Hana Kobayashi,nps,9,call hana@example.com,2026-03-31T09:00,2026-03-31\n")
    with pytest.raises(ColumnMissing, match="none of its 7 columns has a name that is known here: is its first line") as caught:
        extract(run, spec, "survey_answer")
    told = f"{caught.value} {rows('select message from ops.batch')} {rows('select message from ops.run_ledger')}"
    assert "ana" not in told


def test_malformed_lines_keep_their_place(run: Run, desk: Path, rows: Callable[..., Any]) -> None:
    (desk / "answers_2026-03-31.csv").write_text(
        HEADER + 'V1,C1,nps,9,"two\nlines",2026-03-31,2026-03-31\nV2,C2\nV3,C3,nps,8,a\x00b,2026-03-31,2026-03-31\n'
    )
    extract(run, survey_spec(desk.parent, SAME_CSV), "survey_answer")
    assert rows("select position, answer_id, comment from landing.survey_answer order by position") == [
        (2, "V1", "two\nlines"),
        (4, None, None),  # lines, not records: where an editor shows them
        (5, "V3", "a␀b"),
    ]


@pytest.mark.parametrize(
    ("encoding", "content"),
    [
        ("gb18030", (HEADER + "V1,C1,nps,9,满意,2026-03-31,2026-03-31\n").encode("gb18030")),
        ("utf-8", (HEADER + "V1,C1,nps,9,满意,2026-03-31,2026-03-31\n").encode("utf-8-sig")),
        ("utf-16", (HEADER + "V1,C1,nps,9,满意,2026-03-31,2026-03-31\n").encode("utf-16")),
    ],
    ids=["GB 18030", "UTF-8 with byte order mark", "UTF-16"],
)
def test_encodings(run: Run, desk: Path, rows: Callable[..., Any], encoding: str, content: bytes) -> None:
    (desk / "answers_2026-03-31.csv").write_bytes(content)
    extract(run, survey_spec(desk.parent, SAME_CSV + f"    options: {{encoding: {encoding}}}\n"), "survey_answer")
    assert rows("select answer_id, comment from landing.survey_answer") == [("V1", "满意")]


def test_wrong_encoding_names_file_and_byte_and_shows_nothing(run: Run, desk: Path, rows: Callable[..., Any]) -> None:
    (desk / "answers_2026-03-31.csv").write_bytes((HEADER + "V1,C1,nps,9,ana@example.com 满意,,\n").encode("gb18030"))
    with pytest.raises(SourceUnreadable, match=r"answers_2026-03-31\.csv is no readable csv: not utf-8 at byte 98") as caught:
        extract(run, survey_spec(desk.parent, SAME_CSV), "survey_answer")
    assert "ana@" not in str(caught.value)
    assert caught.value.__suppress_context__
    assert rows("select count(*) from landing.survey_answer") == [(0,)]


def test_json_lines(run: Run, desk: Path, rows: Callable[..., Any]) -> None:
    (desk / "a_2026-03-31.jsonl").write_text(
        '{"id": 1, "who": "C1", "kind": "nps", "score": 9.50, "ms": 1774922400000, "extra": {"a": [1]}}\n'
        "\n"
        '{"id": 2, "who": "C2", "kind": "nps", "score": NaN, "ms": "soon", "note": "half \\ud83d"}\n'
        "not json\n"
    )
    spec = survey_spec(
        desk.parent,
        '    path: "a_{date}.jsonl"\n    format: jsonl\n    columns: {answer_id: id, customer_id: who, instrument: kind, '
        "score: score, comment: note, about_id: extra, answered_at: {from: ms, format: epoch_ms}}\n".replace(
            "[answer_id]", "[id]"
        ),
    )
    spec = load_spec(_rekeyed(spec.file, "id"))
    extract(run, spec, "survey_answer")
    assert rows("select position, answer_id, score, comment, about_id, answered_at from landing.survey_answer order by 1") == [
        (1, "1", "9.50", None, '{"a": ["1"]}', "2026-03-31T10:00:00+08:00"),
        (3, "2", "NaN", "half ␀", None, "soon"),
        (4, None, None, None, None, None),
    ]


def _rekeyed(path: Path, key: str) -> Path:
    path.write_text(path.read_text().replace("key: [answer_id]", f"key: [{key}]"))
    return path


def test_parquet_and_gzip(run: Run, desk: Path, rows: Callable[..., Any]) -> None:
    table = pa.table({"answer_id": [1, None], "score": [9.0, 2.5], "answered_at": pa.array([0, 1], pa.timestamp("ns", "UTC"))})
    pq.write_table(table, desk / "a_2026-03-31.parquet")
    extract(
        run, survey_spec(desk.parent, '    path: "a_{date}.parquet"\n    format: parquet\n    columns: same\n'), "survey_answer"
    )
    assert rows("select position, answer_id, score, answered_at from landing.survey_answer order by 1") == [
        (1, "1", "9", "1970-01-01T08:00:00+08:00"),
        (2, None, "2.5", "1970-01-01T08:00:00+08:00"),
    ]
    with gzip.open(desk / "answers_2026-03-31.csv.gz", "wt") as stream:
        stream.write(HEADER + "V9,C1,nps,9,,2026-03-31,2026-03-31\n")
    extract(run, survey_spec(desk.parent, SAME_CSV.replace(".csv", ".csv.gz")), "survey_answer")
    assert rows("select answer_id, position from landing.survey_answer") == [("V9", 2)]


def test_object_store_url(run: Run, desk: Path, rows: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    memory = fsspec.filesystem("memory")
    memory.pipe("/bucket/exports/answers_2026-03-31.csv", (HEADER + "V1,C1,nps,9,,2026-03-31,2026-03-31\n").encode())
    monkeypatch.setenv("RETENTION_SOURCE_DESK_URL", "memory://bucket/exports")
    result = extract(run, survey_spec(desk.parent, SAME_CSV), "survey_answer")
    assert (result["rows"], result["files"]) == (1, ["answers_2026-03-31.csv"])
