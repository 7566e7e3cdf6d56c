"""Records of CSV and JSON lines, each with its text as it is written, so that the others can stay as they are."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from typing import Any


def split(text: str) -> list[str]:
    """Split at line feeds only: other separators may stand inside a quoted field."""
    parts = text.split("\n")
    lines = [f"{part}\n" for part in parts[:-1]]
    return [*lines, parts[-1]] if parts[-1] else lines


def json_records(lines: list[str]) -> Iterator[tuple[str, dict[str, Any] | None]]:
    """Yield each line and the object on it; None where it holds none."""
    for line in lines:
        try:
            row = json.loads(line) if line.strip() else None
        except ValueError:
            row = None
        yield line, row if isinstance(row, dict) else None


def csv_records(lines: list[str], delimiter: str) -> Iterator[tuple[str, dict[str, Any] | None]]:
    """Yield each record as it is written and its values by column; None for the header."""
    consumed: list[str] = []

    def feed() -> Iterator[str]:
        for line in lines:
            consumed.append(line)
            yield line

    header: list[str] | None = None
    for record in csv.reader(feed(), delimiter=delimiter):
        raw = "".join(consumed)
        consumed.clear()
        if header is None:
            header = [name.strip().lstrip("\ufeff") for name in record]
            yield raw, None
        else:
            yield raw, dict(zip(header, record, strict=False))
    if consumed:
        yield "".join(consumed), None


def encode_continuation(text: str, encoding: str) -> bytes:
    """Encode text that does not stand at the beginning of a file: no byte order mark."""
    plain = {"utf-8-sig": "utf-8", "utf_8_sig": "utf-8"}.get(encoding.lower(), encoding)
    encoded = text.encode(plain)
    if plain.lower().replace("_", "-") in ("utf-16", "utf-32"):
        return encoded[len("".encode(plain)) :]
    return encoded
