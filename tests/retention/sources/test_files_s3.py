"""An object store behind its own protocol: listed as it is now, read as it was hashed, its keys never shown."""

from __future__ import annotations

import gzip
import json
import logging
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from retention.deployment import Deployment
from retention.privacy.files import FileStore as ErasureStore
from retention.privacy.files import PersonMatcher, planned_rewrites
from retention.privacy.subject import Subject
from retention.settings import SettingsError
from retention.sources import extract, load_spec
from retention.sources.errors import FileReplaced, FolderMissing, SourceUnreachable
from retention.sources.files import FileStore
from retention.warehouse import Run
from tests.retention.sources.reading import LIMITS, entity, read_rows, rows_of, texts

moto_server = pytest.importorskip("moto.server", reason="moto is not installed")
pytest.importorskip("s3fs", reason="s3fs is not installed")

DAY = date(2026, 3, 31)
SPEC = entity("a_{date}.csv", "csv")
SECRET = "k3y-that-nobody-may-see"


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = moto_server.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        yield f"http://{host}:{port}"
    finally:
        server.stop()


@pytest.fixture
def options(endpoint: str) -> dict[str, Any]:
    return {"key": "reader", "secret": SECRET, "endpoint_url": endpoint, "client_kwargs": {"region_name": "us-east-1"}}


@pytest.fixture
def put(options: dict[str, Any], request: pytest.FixtureRequest) -> Callable[..., str]:
    """Return a function that puts an object into the test's own bucket, as another machine would, and gives the URL."""
    boto3 = pytest.importorskip("boto3")
    client = boto3.client(
        "s3",
        endpoint_url=options["endpoint_url"],
        aws_access_key_id="writer",
        aws_secret_access_key="x",
        region_name="us-east-1",
    )
    bucket = "b-" + request.node.name.replace("_", "-").lower()[:60].strip("-[]")
    client.create_bucket(Bucket=bucket)

    def do(key: str | None = None, content: bytes = b"") -> str:
        if key is not None:
            client.put_object(Bucket=bucket, Key=key, Body=content)
        return f"s3://{bucket}/exports"

    return do


def test_reads_what_another_machine_put_there_a_moment_ago(put: Callable[..., str], options: dict[str, Any]) -> None:
    url = put("exports/a_2026-03-30.csv", b"id,who,words\n1,Ana,x\n")
    assert texts(read_rows(url, SPEC, options=options), "id") == [(2, "1")]
    put("exports/a_2026-03-31.csv", b"id,who,words\n2,Bo,y\n")  # a listing that is remembered would not show it
    put("exports/a_2026-04-01.csv", b"id,who,words\n3,Chen,z\n")  # the day is not due
    put("exports-of-others/a_2026-03-29.csv", b"id,who,words\n9,Ivo,z\n")
    assert texts(read_rows(url, SPEC, options=options), "id") == [(2, "1"), (2, "2")]


def test_compressed_and_larger_than_one_part(put: Callable[..., str], options: dict[str, Any]) -> None:
    body = b"id,who,words\n" + b"".join(f"{n},Ana,{n * 7919 % 99991}\n".encode() for n in range(600_000))
    url = put("exports/a_2026-03-31.csv.gz", gzip.compress(body, 1))
    store, spec = FileStore(url, "desk", LIMITS, options), entity("a_{date}.csv.gz", "csv")
    (file,) = store.due(spec, DAY)
    assert sum(count for _, count, _ in store.read(file, spec, lambda names: None)) == 600_000
    assert file.version is not None


def test_many_events(put: Callable[..., str], options: dict[str, Any]) -> None:
    for number in range(30):
        put(f"exports/events/2026-03-31/{number:03}.json", json.dumps({"id": number}).encode())
    put("exports/events/2026-03-31/half.json.part", b"{")
    put("exports/events/2026-03-31/", b"")  # what a console makes to show a folder
    rows = read_rows(put(), entity("events/{date}/*.json", "json"), options=options)
    assert [row["id"] for _, row in rows] == [str(number) for number in range(30)]


def test_an_object_replaced_between_hash_and_read_is_noticed(put: Callable[..., str], options: dict[str, Any]) -> None:
    url = put("exports/a_2026-03-31.csv", b"id,who,words\n1,Ana,x\n")
    store = FileStore(url, "desk", LIMITS, options)
    (file,) = store.due(SPEC, DAY)
    decided = replace(file, sha256=store.sha256(file, SPEC))
    put("exports/a_2026-03-31.csv", b"id,who,words\n1,Ana,Y\n")
    with pytest.raises(FileReplaced, match="was written to while it was read"):
        rows_of(store, decided, SPEC)
    (again,) = store.due(SPEC, DAY)
    assert again.version != file.version, "the tag tells that it is another object, of the same size"


def test_a_bucket_without_files_is_no_wrong_address_and_no_bucket_is(put: Callable[..., str], options: dict[str, Any]) -> None:
    assert FileStore(put(), "desk", LIMITS, options).due(SPEC, DAY) == []
    with pytest.raises(FolderMissing, match="desk: its folder does not exist"):
        FileStore("s3://no-such-bucket-here/exports", "desk", LIMITS, options)


def test_a_store_that_is_not_there_shows_no_key(options: dict[str, Any], caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    gone = {**options, "endpoint_url": "http://127.0.0.1:9", "config_kwargs": {"retries": {"max_attempts": 1}}}
    with pytest.raises(SourceUnreachable, match=r"desk: its file store cannot be opened \(\w+\)") as caught:
        FileStore("s3://bucket/exports", "desk", LIMITS, gone)
    assert SECRET not in f"{caught.value!r} {caplog.text}"
    assert caught.value.__suppress_context__


def test_options_come_from_the_environment_and_are_not_shown() -> None:
    text = json.dumps({"key": "reader", "secret": SECRET})
    deployment = Deployment.from_env({"RETENTION_HOME": "/nowhere", "RETENTION_SOURCE_DESK_OPTIONS": text})
    assert deployment.source_options["DESK"]["secret"] == SECRET
    assert SECRET not in repr(deployment)
    with pytest.raises(SettingsError, match="RETENTION_SOURCE_DESK_OPTIONS must be a JSON object") as caught:
        Deployment.from_env({"RETENTION_HOME": "/nowhere", "RETENTION_SOURCE_DESK_OPTIONS": f'"{SECRET}'})
    assert SECRET not in str(caught.value)


def test_extraction_with_options_from_the_environment(
    put: Callable[..., str], options: dict[str, Any], run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: Any
) -> None:
    caplog.set_level(logging.DEBUG, logger="retention")
    url = put("exports/a_2026-03-31.csv.gz", gzip.compress(b"id,who\n1,Ana\n2,Bo\n"))
    monkeypatch.setenv("RETENTION_SOURCE_DESK_URL", url)
    monkeypatch.setenv("RETENTION_SOURCE_DESK_OPTIONS", json.dumps(options))
    (tmp_path / "desk.yml").write_text(
        "source: desk\nkind: files\nconnection: DESK\nentities:\n  survey_answer:\n    key: [id]\n    format: csv\n"
        "    path: 'a_{date}.csv.gz'\n    columns: {answer_id: id, customer_id: who}\n"
    )
    result = extract(run, load_spec(tmp_path / "desk.yml"), "survey_answer")
    assert (result["rows"], result["files"]) == (2, ["a_2026-03-31.csv.gz"])
    assert SECRET not in caplog.text
    monkeypatch.setenv(
        "RETENTION_SOURCE_DESK_OPTIONS",
        json.dumps({**options, "endpoint_url": "http://127.0.0.1:9", "config_kwargs": {"retries": {"max_attempts": 1}}}),
    )
    with pytest.raises(SourceUnreachable):
        extract(replace(run, business_date=date(2026, 4, 1)), load_spec(tmp_path / "desk.yml"), "survey_answer")


def test_an_erasure_rewrites_objects_with_the_same_options(put: Callable[..., str], options: dict[str, Any]) -> None:
    url = put("exports/a_2026-03-31.csv.gz", gzip.compress(b"id,who\n1,H1\n2,I1\n"))
    where = ErasureStore("desk", "survey_answer", url, "a_*.csv.gz", "csv", ("who",), (), (), options=options)
    hana = Subject(keys=frozenset({1}), ids=frozenset({("desk", "H1")}), orders=frozenset(), addresses=frozenset())
    (planned,) = planned_rewrites(where, PersonMatcher(where, hana, None))
    planned.apply()
    assert texts(read_rows(url, entity("a_{date}.csv.gz", "csv"), options=options), "who") == [(2, "I1")]
