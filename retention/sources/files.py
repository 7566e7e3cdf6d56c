"""File sources: which files are due, and their rows as record batches. Folders and everything fsspec can open."""

from __future__ import annotations

import codecs
import csv
import hashlib
import io
import json
import os
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from fnmatch import translate
from typing import Any

import fsspec
import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from retention.sources.errors import (
    EmptyFile,
    FileMissing,
    FolderMissing,
    PathRefused,
    SourceUnreachable,
    SourceUnreadable,
)
from retention.sources.spec import EntitySpec

_DATE = r"(?P<date>\d{4}-?\d{2}-?\d{2})"
_BLOCK = 8 << 20
_LINES = 50_000

RawBatch = tuple[dict[str, pa.Array], int, pa.Array]
"""The columns delivered, the number of rows, and where each stood in its file."""


@dataclass(frozen=True)
class SourceFile:
    """One file that a source offers."""

    path: str
    """Relative to the source's folder."""
    size: int
    day: date | None
    """Day in its name; None where the pattern names none."""


class FileStore:
    """The folder, or bucket, of one file source.

    Parameters
    ----------
    url : str
        A folder, or any URL that fsspec opens (``s3://bucket/folder``, ``memory://…``).
    source : str
        Name of the source, for messages.

    Raises
    ------
    FolderMissing when it does not exist; SourceUnreachable when the store does not answer.
    """

    def __init__(self, url: str, source: str) -> None:
        self.source = source
        try:
            self._fs, root = fsspec.core.url_to_fs(url)
            exists = self._fs.exists(root)
        except (OSError, ImportError, ValueError) as error:
            raise SourceUnreachable(
                f"{source}: its file store cannot be opened ({type(error).__name__}). Nothing landed."
            ) from None
        if not exists:
            raise FolderMissing(f"{source}: its folder does not exist. Nothing landed. Check the URL of its connection.")
        self._root = str(root).rstrip("/")
        self._is_local = "file" in (self._fs.protocol if isinstance(self._fs.protocol, tuple) else (self._fs.protocol,))

    def due(self, spec: EntitySpec, until: date, after: date | None = None) -> list[SourceFile]:
        """Return the files of an entity whose day is not later than ``until``, in the order of day and name.

        Files without a day in their name are always due: what was loaded before is told by the manifest.

        Raises
        ------
        PathRefused when a file is, or lies behind, a link out of the folder.
        """
        assert spec.path is not None
        pattern = re.compile(translate(spec.path.replace("{date}", "\0")).replace(re.escape("\0"), _DATE).replace("\0", _DATE))
        found = []
        for full in self._fs.glob(f"{self._root}/{spec.path.replace('{date}', '*')}"):
            path = str(full)[len(self._root) + 1 :]
            match = pattern.match(path)
            if match is None:
                continue
            day = _day(match.groupdict().get("date"))
            if "{date}" in spec.path and day is None:
                continue
            if day is not None and (day > until or (after is not None and day <= after)):
                continue
            self._refuse_escape(spec, path)
            if not self._fs.isfile(full):
                continue
            found.append(SourceFile(path, int(self._fs.size(full) or 0), day))
        return sorted(found, key=lambda file: (file.day or date.min, file.path))

    def require_day(self, spec: EntitySpec, files: Sequence[SourceFile], day: date) -> None:
        """Raise FileMissing when files carry their day in the name and the one of ``day`` is not there."""
        assert spec.path is not None
        dated = "{date}" in spec.path
        if any(file.day == day for file in files) or (not dated and files):
            return
        expected = spec.path.replace("{date}", day.isoformat())
        raise FileMissing(
            f"{self.source} {spec.entity} {day}: no file matches {expected}; the folder has {len(files)} of earlier "
            "days. Nothing "
            "landed. Wait for the delivery and run the day again."
        )

    def sha256(self, file: SourceFile) -> str:
        """Return the SHA-256 of a file's bytes as hexadecimal text."""
        digest = hashlib.sha256()
        with self._fs.open(self._full(file), "rb") as stream:
            while chunk := stream.read(1 << 20):
                digest.update(chunk)
        return digest.hexdigest()

    def read(self, file: SourceFile, spec: EntitySpec, check: Callable[[Sequence[str]], None]) -> Iterator[RawBatch]:
        """Yield the rows of one file, never all at once.

        A row that cannot be split into columns comes as a row of nulls in its place, for validation to refuse by position.

        Parameters
        ----------
        check : callable
            Is given the names of the columns found, before the first row.

        Raises
        ------
        EmptyFile for a file of no bytes where the format has a header.
        SourceUnreadable when the bytes are not what the description says.
        """
        if file.size == 0 and spec.format != "jsonl":
            raise EmptyFile(
                f"{self.source} {spec.entity}: {file.path} has no bytes, not even a header: the delivery broke off. "
                "Nothing landed. "
                "Ask for it again."
            )
        reader = {"csv": self._read_csv, "jsonl": self._read_jsonl, "parquet": self._read_parquet}[str(spec.format)]
        try:
            yield from reader(file, spec, check)
        except (pa.ArrowInvalid, pa.ArrowTypeError, UnicodeError, csv.Error, EOFError) as error:
            raise SourceUnreadable(
                f"{self.source} {spec.entity}: {file.path} is no readable {spec.format}{self._why(file, spec, error)}. Nothing "
                "landed. Check format, options.encoding and options.delimiter in its description, or ask for the file again."
            ) from None

    # -- formats ----------------------------------------------------------------------------------------------------
    def _read_csv(self, file: SourceFile, spec: EntitySpec, check: Callable[[Sequence[str]], None]) -> Iterator[RawBatch]:
        names = self._csv_header(file, spec)
        check(names)
        malformed: set[int] = set()

        def skip(row: pacsv.InvalidRow) -> str:
            malformed.add(int(row.number))
            return "skip"

        position = 2  # the header is line 1
        with self._open(file) as stream, pacsv.open_csv(
            stream,
            read_options=pacsv.ReadOptions(
                use_threads=False, block_size=_BLOCK, encoding=_arrow_encoding(spec.encoding),
                column_names=names, skip_rows_after_names=1,
            ),
            parse_options=pacsv.ParseOptions(delimiter=spec.delimiter, newlines_in_values=True, invalid_row_handler=skip),
            convert_options=pacsv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=True, null_values=[""]
            ),
        ) as reader:  # fmt: skip
            for batch in reader:
                positions, position = _positions(position, batch.num_rows, malformed)
                yield dict(zip(names, batch.columns, strict=True)), batch.num_rows, positions
        if malformed:
            rows = len(malformed)
            yield {name: pa.nulls(rows, pa.string()) for name in names}, rows, pa.array(sorted(malformed), pa.int64())

    def _csv_header(self, file: SourceFile, spec: EntitySpec) -> list[str]:
        with self._open(file) as stream:
            text = io.TextIOWrapper(stream, encoding="utf-8-sig" if _is_utf8(spec.encoding) else spec.encoding, newline="")
            names = next(csv.reader(text, delimiter=spec.delimiter), [])
        if not names or len(set(names)) != len(names):
            raise SourceUnreadable(
                f"{self.source} {spec.entity}: the header of {file.path} is empty or names a column twice. Nothing landed."
            )
        return names

    def _read_parquet(self, file: SourceFile, spec: EntitySpec, check: Callable[[Sequence[str]], None]) -> Iterator[RawBatch]:
        with self._fs.open(self._full(file), "rb") as stream:
            parquet = pq.ParquetFile(stream)
            check(parquet.schema_arrow.names)
            position = 1
            for batch in parquet.iter_batches(batch_size=65_536):
                positions, position = _positions(position, batch.num_rows, set())
                yield dict(zip(batch.schema.names, batch.columns, strict=True)), batch.num_rows, positions

    def _read_jsonl(self, file: SourceFile, spec: EntitySpec, check: Callable[[Sequence[str]], None]) -> Iterator[RawBatch]:
        """Read one object a line. Numbers keep the digits they were written with; a key that a line lacks is null."""
        checked = False
        rows: list[dict[str, Any]] = []
        positions: list[int] = []
        with self._open(file) as stream:
            text = io.TextIOWrapper(stream, encoding="utf-8-sig" if _is_utf8(spec.encoding) else spec.encoding)
            for number, line in enumerate(text, 1):
                if not line.strip():
                    continue
                rows.append(_json_object(line))
                positions.append(number)
                if len(rows) == _LINES:
                    checked = checked or _check_json(rows, check)
                    yield _columns(rows), len(rows), pa.array(positions, pa.int64())
                    rows, positions = [], []
        if rows:
            checked or _check_json(rows, check)
            yield _columns(rows), len(rows), pa.array(positions, pa.int64())

    # -- details ----------------------------------------------------------------------------------------------------
    def _full(self, file: SourceFile) -> str:
        return f"{self._root}/{file.path}"

    def _open(self, file: SourceFile) -> Any:
        compression = "gzip" if file.path.endswith(".gz") else None
        opened = self._fs.open(self._full(file), "rb")
        return opened if compression is None else fsspec.compression.compr[compression](opened, mode="rb")

    def _refuse_escape(self, spec: EntitySpec, path: str) -> None:
        if not self._is_local:
            return
        root, real = os.path.realpath(self._root), os.path.realpath(f"{self._root}/{path}")
        if os.path.commonpath([root, real]) != root:
            raise PathRefused(
                f"{self.source} {spec.entity}: {path} is a link out of the source's folder. Nothing landed. Put the "
                "file itself there."
            )

    def _why(self, file: SourceFile, spec: EntitySpec, error: BaseException) -> str:
        """Say where the bytes stop being text, without showing any."""
        if spec.format == "parquet" or file.path.endswith(".gz"):
            return f" ({type(error).__name__})"
        decoder = codecs.getincrementaldecoder(spec.encoding)()
        offset = 0
        with self._fs.open(self._full(file), "rb") as stream:
            while chunk := stream.read(1 << 20):
                try:
                    decoder.decode(chunk)
                except UnicodeError as found:
                    return f": not {spec.encoding} at byte {offset + getattr(found, 'start', 0)}"
                offset += len(chunk)
        return f" ({type(error).__name__})"


def _day(text: str | None) -> date | None:
    if text is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _positions(start: int, rows: int, malformed: set[int]) -> tuple[pa.Array, int]:
    """Number rows from ``start``, leaving out the numbers of malformed ones; return the numbers and the next one."""
    if not malformed:
        return pa.array(range(start, start + rows), pa.int64()), start + rows
    numbers: list[int] = []
    while len(numbers) < rows:
        if start not in malformed:
            numbers.append(start)
        start += 1
    return pa.array(numbers, pa.int64()), start


def _is_utf8(encoding: str) -> bool:
    return codecs.lookup(encoding).name == "utf-8"


def _arrow_encoding(encoding: str) -> str:
    return "utf8" if _is_utf8(encoding) else encoding


def _json_object(line: str) -> dict[str, Any]:
    """Return the object on a line, or an empty one where the line holds none: a row of nulls, refused by position."""
    try:
        value = json.loads(line, parse_float=str, parse_int=str, parse_constant=str)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _check_json(rows: Sequence[dict[str, Any]], check: Callable[[Sequence[str]], None]) -> bool:
    names = list(dict.fromkeys(name for row in rows for name in row))
    if names:
        check(names)
    return True


def _columns(rows: Sequence[dict[str, Any]]) -> dict[str, pa.Array]:
    names = dict.fromkeys(name for row in rows for name in row)
    return {name: pa.array([_json_text(row.get(name)) for row in rows], pa.string()) for name in names}


def _json_text(value: Any) -> str | None:
    if value is None or value == "":
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text.encode("utf-8", "replace").decode("utf-8")  # half of a surrogate pair would end the whole batch
