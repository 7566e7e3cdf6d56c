"""Files of every format, and damage done to their bytes by chance."""

from __future__ import annotations

import gzip
import io
import json
import random
from collections.abc import Callable
from pathlib import Path

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq

from retention.sources.errors import SourceError
from retention.sources.files import FileStore
from retention.sources.files.reading import SourceFile
from tests.retention.sources.reading import LIMITS, entity, rows_of

PEOPLE = ["Ana", "Bo", "Chen 陈", 'Dai "D"', "Emma,E", "Fang\nF", "Gao"]


def _csv() -> bytes:
    lines = [f'{n},"{PEOPLE[n % 7].replace(chr(34), chr(34) * 2)}",words {n * 7919 % 1000}\n' for n in range(200)]
    return ("id,who,words\n" + "".join(lines)).encode()


def _objects() -> list[dict[str, object]]:
    return [{"id": n, "who": PEOPLE[n % 7], "words": {"n": [n, n / 3]}} for n in range(200)]


def _parquet() -> bytes:
    out = io.BytesIO()
    pq.write_table(pa.table({"id": list(range(200)), "who": [PEOPLE[n % 7] for n in range(200)], "words": [None] * 200}), out)
    return out.getvalue()


def _excel() -> bytes:
    book, out = openpyxl.Workbook(), io.BytesIO()
    sheet = book.active
    assert sheet is not None
    sheet.append(["id", "who", "words"])
    for n in range(60):
        sheet.append([n, PEOPLE[n % 7], n / 3])
    book.save(out)
    return out.getvalue()


def _zstd(data: bytes) -> bytes:
    return bytes(pa.compress(data, "zstd", asbytes=True))


FILES: dict[str, Callable[[], bytes]] = {
    "a.csv": _csv,
    "a.csv.gz": lambda: gzip.compress(_csv(), mtime=0),
    "a.csv.zst": lambda: _zstd(_csv()),
    "a.jsonl": lambda: "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in _objects()).encode(),
    "a.json": lambda: json.dumps(_objects()).encode(),
    "a.json.zst": lambda: _zstd(json.dumps(_objects()).encode()),
    "a.parquet": _parquet,
    "a.xlsx": _excel,
}
"""By name: how a good file of that kind is made."""


def _format(name: str) -> str:
    return {"xlsx": "excel"}.get(name.split(".")[1], name.split(".")[1])


def damaged(data: bytes, chance: random.Random) -> bytes:
    """Return the bytes cut, flipped, doubled, dropped, overwritten or followed by others."""
    start, length = chance.randrange(len(data)), chance.choice((1, 2, 8, 100))
    part = data[start : start + length]
    return chance.choice(
        (
            data[:start],
            data[:start] + bytes([data[start] ^ (1 << chance.randrange(8))]) + data[start + 1 :],
            data[:start] + part + data[start:],
            data[:start] + data[start + length :],
            data[:start] + chance.randbytes(length) + data[start + length :],
            data[:start] + chance.choice((b'"', b"\0", b"\n", b"\r", b",", b"\xff", b"{", b"[")) + data[start:],
            data + chance.randbytes(length),
        )
    )


def outcome_of(folder: Path, name: str, data: bytes) -> str:
    """Read damaged bytes and say what came of them: ``loaded`` or ``stopped``.

    Raises
    ------
    AssertionError when an error is none of a source, or shows somebody's name.
    """
    (folder / name).write_bytes(data)
    store, told = FileStore(str(folder), "desk", LIMITS), ""
    try:
        rows = rows_of(store, SourceFile(name, len(data), None), entity(name, _format(name)))
    except SourceError as error:
        rows, told = [], str(error)
    if told:
        assert not any(person in told for person in ("Ana", "Chen", "Emma", "Fang")), told
        return "stopped"
    for position, row in rows:
        assert position >= 1
        for value in row.values():
            if isinstance(value, str):
                value.encode("utf-8")
    return "loaded"
