"""Zoho CRM's bulk read: a job exports a whole module as CSV in a ZIP archive, 200,000 records at a time.

The archive is kept in an unnamed temporary file and its one member is read as a stream: nothing is unpacked to disk, no name
in it is used as a path, and what it holds is counted while it is read.
"""

from __future__ import annotations

import csv
import io
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any
from zlib import error as ZlibError

from retention.sources.errors import SpecError
from retention.sources.rest.client import Call, Client
from retention.sources.rest.describe import Request
from retention.sources.rest.errors import AnswerUnreadable, PartialPage, RequestRefused, Transient
from retention.sources.rest.readings import readings
from retention.sources.rest.records import Row, add_columns, as_text, dig, require, scrub
from retention.sources.rest.verdict import Answer

_MEGABYTE = 1024 * 1024
_ROWS = 5_000
_FIELD = 4 * _MEGABYTE
_PAUSES = (2, 5, 10, 30)
"""Seconds between looks at a job: small modules are done at once, large ones take minutes."""
_BROKEN = (zipfile.BadZipFile, ZlibError, EOFError, OSError, UnicodeDecodeError, csv.Error, RuntimeError)
"""What reading a damaged, encrypted or otherwise packed archive raises (the last two as kinds of RuntimeError)."""
_DONE, _FAILED = "COMPLETED", ("FAILURE", "FAILED")


def load_bulk(at: str, client: Client, request: Request, version: Callable[[Row], bytes]) -> Iterator[list[Row]]:
    """Yield all records of a module.

    A job is one state of the module. More than 200,000 records take several jobs, between which records may go: such a load is
    repeated until two agree.

    Parameters
    ----------
    request : Request
        With ``first_load: {with: zoho_bulk, path, module, fields, rename, archive_megabytes, content_megabytes}``.

    Raises
    ------
    RequestRefused when a job fails; AnswerUnreadable for an archive that is not what was exported; PartialPage when it holds
    fewer records than the job counted.
    """
    options = dict(request.first_load or {})
    if not isinstance(options.get("module"), str) or not isinstance(options.get("fields"), list):
        raise SpecError(f"{at}: first_load needs module and fields.")

    started = 0

    def jobs() -> Iterator[list[Row]]:
        nonlocal started
        number, more = 1, True
        while more:
            result = _finished(at, client, options, number)
            started += 1
            yield from _rows(at, client, request, options, result)
            more, number = dig(result, "more_records") is True, number + 1

    return readings(at, jobs, version, lambda: started == 1)


def _finished(at: str, client: Client, options: Mapping[str, Any], number: int) -> Any:
    """Start a job, wait for it, and return what it says of its result."""
    path = str(options.get("path", "/crm/bulk/v8/read"))
    query = {"module": {"api_name": options["module"]}, "fields": options["fields"], "page": number}
    job = client.ask(at, Call("POST", path, body={"query": query, "file_type": "csv"}), {}, _job_id)
    for attempt in range(10_000):
        data = client.ask(at, Call("GET", f"{path}/{job}"), {}, lambda answer: dig(answer.json, "data.0"))
        state = as_text(dig(data, "state"))
        if state == _DONE:
            return dig(data, "result")
        if state is None or state in _FAILED:
            raise RequestRefused(f"{at}: the bulk read job ended without a result. Nothing landed; safe to retry.")
        client.pause(at, _PAUSES[min(attempt, len(_PAUSES) - 1)])
    raise AnswerUnreadable(f"{at}: the bulk read job does not end. Nothing landed; safe to retry.")


def _job_id(answer: Answer) -> str:
    job = as_text(dig(answer.json, "data.0.details.id"))
    if not job or not job.isalnum():
        raise Transient("the answer to a bulk read job names no job", "no job", error=AnswerUnreadable)
    return job


def _rows(at: str, client: Client, request: Request, options: Mapping[str, Any], result: Any) -> Iterator[list[Row]]:
    limit = int(options.get("content_megabytes", 2048)) * _MEGABYTE
    expected = as_text(dig(result, "count"))
    url = client.same_origin(as_text(dig(result, "download_url")) or "", client.address)
    with tempfile.TemporaryFile() as file:
        client.download(at, Call("GET", "", link=url), file, int(options.get("archive_megabytes", 512)) * _MEGABYTE)
        found = 0
        try:
            with zipfile.ZipFile(file) as archive, archive.open(_member(at, archive, limit)) as member:
                text = io.TextIOWrapper(io.BufferedReader(_Counted(at, member, limit)), "utf-8-sig", newline="")
                for rows in _csv(at, text, request, options.get("rename", {})):
                    found += len(rows)
                    yield rows
        except _BROKEN as error:
            raise AnswerUnreadable(
                f"{at}: the exported archive cannot be read ({type(error).__name__}). Nothing landed; safe to retry."
            ) from None
    if expected is None or str(found) != expected:
        raise PartialPage(
            f"{at}: the bulk read job counted {expected} records and its export holds {found}. Nothing landed; safe to retry."
        )


def _member(at: str, archive: zipfile.ZipFile, limit: int) -> zipfile.ZipInfo:
    members = archive.infolist()
    if len(members) != 1 or not members[0].filename.lower().endswith(".csv") or members[0].file_size > limit:
        raise AnswerUnreadable(
            f"{at}: the exported archive should hold one CSV file of at most {limit // _MEGABYTE} MB and does not. "
            "Nothing landed."
        )
    return members[0]


class _Counted(io.RawIOBase):
    """A member of an archive, read no further than its limit: what its header says of its size proves nothing."""

    def __init__(self, at: str, stream: Any, limit: int) -> None:
        self._at, self._stream, self._left = at, stream, limit

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        piece = self._stream.read(len(buffer))
        self._left -= len(piece)
        if self._left < 0:
            raise AnswerUnreadable(
                f"{self._at}: the exported archive unpacks to more than it may (content_megabytes). Nothing landed."
            )
        buffer[: len(piece)] = piece
        return len(piece)


def _csv(at: str, text: io.TextIOWrapper, request: Request, rename: Mapping[str, str]) -> Iterator[list[Row]]:
    csv.field_size_limit(max(csv.field_size_limit(), _FIELD))
    reader = csv.reader(text, strict=True)
    header: Sequence[str] = [rename.get(name, name) for name in next(reader, [])]
    if len(set(header)) != len(header):
        raise AnswerUnreadable(f"{at}: the export names a column twice. Nothing landed.")
    batch: list[Row] = []
    for values in reader:
        if len(values) != len(header):
            raise AnswerUnreadable(
                f"{at}: line {reader.line_num} of the export has {len(values)} of {len(header)} columns. Nothing landed."
            )
        row: Row = {name: scrub(value) if value else None for name, value in zip(header, values, strict=True)}
        if not batch:
            require([row], request.add)
        add_columns(row, request.add)
        batch.append(row)
        if len(batch) >= _ROWS:
            yield batch
            batch = []
    if batch:
        yield batch
