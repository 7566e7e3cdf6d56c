"""The folder, or bucket, of one file source: which files are due, and their rows."""

from __future__ import annotations

import csv
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import fsspec
import pyarrow as pa

from retention.deployment import Deployment
from retention.settings import IngestSettings, load_settings
from retention.sources.errors import (
    EmptyFile,
    FileMissing,
    FileReplaced,
    FolderMissing,
    PathRefused,
    SourceError,
    SourceUnreachable,
)
from retention.sources.files.content import Checked, chunks
from retention.sources.files.formats import csv as csv_format
from retention.sources.files.formats import excel, json, parquet
from retention.sources.files.listing import Pattern, is_older, is_settled, local_files, stored_files
from retention.sources.files.reading import Check, RawBatch, Reading, SourceFile
from retention.sources.spec import EntitySpec, SourceSpec

_UNWRITABLE = re.compile("[\\x00-\\x1f\\x7f-\\x9f\\ud800-\\udfff]")  # control characters, and bytes that are no UTF-8
_FORMATS = {
    "csv": csv_format.read,
    "jsonl": json.read_lines,
    "json": json.read_document,
    "parquet": parquet.read,
    "excel": excel.read,
}


class FileStore:
    """The folder, or bucket, of one file source.

    Parameters
    ----------
    url : str
        A folder, or any URL that fsspec opens (``s3://bucket/folder``, ``memory://…``).
    source : str
        Name of the source, for messages.
    limits : IngestSettings, optional
        What a file may bring; default: the settings of this installation.
    options : mapping, optional
        Storage options of fsspec (endpoint, keys …). They are never shown.
    now : datetime, optional
        Aware; when files are looked at, for those that are too young to be read. Default: now.

    Raises
    ------
    FolderMissing when it does not exist; SourceUnreachable when the store does not answer.
    """

    def __init__(
        self,
        url: str,
        source: str,
        limits: IngestSettings | None = None,
        options: Mapping[str, Any] | None = None,
        now: datetime | None = None,
    ) -> None:
        self.source = source
        self.limits = limits or load_settings().ingest
        self.notes: list[str] = []
        """What is worth telling about files that were not read."""
        self._now = now or datetime.now(UTC)
        with self._answering("cannot be opened"):
            self._fs, root = fsspec.core.url_to_fs(url, **(options or {}))
            protocols = self._fs.protocol if isinstance(self._fs.protocol, tuple) else (self._fs.protocol,)
            self._is_local = "file" in protocols
            self._root = str(root).rstrip("/")
            self._fs.invalidate_cache()
            # A bucket has no empty folders: where there is a bucket, nothing below it yet is no error of the address.
            exists = self._fs.exists(root) or ("s3" in protocols and self._fs.exists(self._root.split("/")[0]))
        if not exists:
            raise FolderMissing(f"{source}: its folder does not exist. Nothing landed. Check the URL of its connection.")

    @contextmanager
    def _answering(self, what: str) -> Iterator[None]:
        """Turn what a store raises into SourceUnreachable. Its own words may hold addresses and keys, so they are not shown."""
        try:
            yield
        except SourceError:
            raise
        except Exception as error:
            raise SourceUnreachable(f"{self.source}: its file store {what} ({type(error).__name__}). Nothing landed.") from None

    def due(self, spec: EntitySpec, until: date, after: date | None = None) -> list[SourceFile]:
        """Return the files of an entity whose day is not later than ``until``, in the order of day and name.

        Files without a day in their name are always due: what was loaded before is told by the manifest. With ``after`` those
        are left out that came before that day. Files younger than ``options.settle_seconds`` wait; ``notes`` tells how many.

        Raises
        ------
        PathRefused when a file is, or lies behind, a link out of the folder, or has a name that cannot be written down.
        """
        assert spec.path is not None
        pattern = Pattern(spec.path)
        with self._answering("cannot be listed"):
            if self._is_local:
                listed = list(local_files(self._root, pattern))
            else:
                listed = list(stored_files(self._fs, self._root, pattern))
        found, waiting = [], 0
        folders: dict[str, str] = {}
        for file in listed:
            if (file.day is not None and file.day > until) or is_older(file, after):
                continue
            self._refuse_escape(spec, file.path, folders)
            if spec.settle_seconds and not is_settled(file, spec.settle_seconds, self._now):
                waiting += 1
                continue
            found.append(file)
        if waiting:
            self.notes.append(f"{waiting} files younger than {spec.settle_seconds} seconds wait for the next run")
        return sorted(found, key=lambda file: (file.day or date.min, file.path))

    def require_day(self, spec: EntitySpec, files: Sequence[SourceFile], day: date) -> None:
        """Raise FileMissing when files carry their day in the name and the one of ``day`` is not there."""
        assert spec.path is not None
        dated = "{date}" in spec.path
        if any(file.day == day for file in files) or (not dated and files):
            return
        expected = spec.path.replace("{date}", day.isoformat())
        told = "".join(f" ({note})" for note in self.notes)
        raise FileMissing(
            f"{self.source} {spec.entity} {day}: no file matches {expected}; the folder has {len(files)} of earlier "
            f"days{told}. Nothing landed. Wait for the delivery and run the day again."
        )

    def sha256(self, file: SourceFile, spec: EntitySpec) -> str:
        """Return the SHA-256 of a file's bytes as hexadecimal text."""
        reading = self._reading(replace(file, sha256=None), spec)
        with self._open(reading) as raw:
            return raw.finish()

    def read(self, file: SourceFile, spec: EntitySpec, check: Check) -> Iterator[RawBatch]:
        """Yield the rows of one file, never all at once.

        A row that cannot be split into columns comes as a row of nulls in its place, for validation to refuse by position.

        Parameters
        ----------
        check : callable
            Is given the names of the columns found, before the first row.

        Raises
        ------
        EmptyFile for a file of no bytes where the format has a header.
        SourceUnreadable when the bytes are not what the description says; FileTooLarge when they are more than allowed.
        FileReplaced when the file was written to since it was decided upon, or while it was read.
        """
        reading = self._reading(file, spec)
        if file.size == 0 and spec.format not in ("jsonl", "json"):
            raise EmptyFile(
                f"{self.source} {spec.entity}: {file.path} has no bytes, not even a header: the delivery broke off. "
                "Nothing landed. Ask for it again."
            )
        with self._open(reading) as raw:
            try:
                yield from _FORMATS[str(spec.format)](raw, reading, check)
            except (pa.ArrowException, UnicodeError, csv.Error, EOFError) as error:
                raise reading.unreadable(f" ({type(error).__name__})") from None
            raw.finish()

    def head(self, file: SourceFile, spec: EntitySpec, size: int = 65_536) -> bytes:
        """Return the first bytes of a file, unpacked, at most ``size`` of them: for looking at it, not for reading its rows."""
        found = b""
        with self._open(self._reading(file, spec)) as raw:
            for data in chunks(raw, self._reading(file, spec), size):
                found += data
                if len(found) >= size:
                    break
        return found[:size]

    # -- details ----------------------------------------------------------------------------------------------------
    def _reading(self, file: SourceFile, spec: EntitySpec) -> Reading:
        reading = Reading(self.source, spec, file, self.limits)
        if file.size > self.limits.max_file_bytes:
            raise reading.too_large("its bytes", "max_file_bytes", f"{file.size:,}")
        return reading

    @contextmanager
    def _open(self, reading: Reading) -> Iterator[Checked]:
        path = reading.file.path
        with self._answering(f"does not give out {path}"):
            opened = self._fs.open(f"{self._root}/{path}", "rb")
        with opened:
            if self._is_local:
                self._refuse_swapped(reading, opened)
            yield Checked(opened, reading)

    def _refuse_swapped(self, reading: Reading, opened: Any) -> None:
        """Refuse a file that became a link out of the folder after it was looked at: what is open must lie inside."""
        self._refuse_escape(reading.spec, reading.file.path)
        try:
            there, here = os.stat(f"{self._root}/{reading.file.path}"), os.fstat(opened.fileno())
        except OSError:
            return  # replaced or deleted meanwhile: its content decides
        if (there.st_dev, there.st_ino) != (here.st_dev, here.st_ino):
            raise FileReplaced(f"{reading.where} was replaced while it was opened. Nothing landed. Run again.")

    def _refuse_escape(self, spec: EntitySpec, path: str, folders: dict[str, str] | None = None) -> None:
        """Refuse a name that cannot be written down, and a link out of the folder.

        ``folders`` remembers where folders really are while many files are looked at; opening a file looks again.
        """
        if _UNWRITABLE.search(path):
            raise PathRefused(
                f"{self.source} {spec.entity}: the name {path!a} holds characters that no name should. Nothing landed. "
                "Rename the file."
            )
        if not self._is_local:
            return
        folders = {} if folders is None else folders
        full = f"{self._root}/{path}"
        for folder in (self._root, os.path.dirname(full)):
            if folder not in folders:
                folders[folder] = os.path.realpath(folder)
        root = folders[self._root]
        real = os.path.realpath(full) if os.path.islink(full) else f"{folders[os.path.dirname(full)]}/"
        if os.path.commonpath([root, real]) != root:
            raise PathRefused(
                f"{self.source} {spec.entity}: {path} is a link out of the source's folder. Nothing landed. Put the "
                "file itself there."
            )


def open_files(spec: SourceSpec, address: str, limits: IngestSettings | None = None, now: datetime | None = None) -> FileStore:
    """Open the folder or bucket of a source, with the storage options of its connection.

    ``RETENTION_SOURCE_<connection>_OPTIONS`` holds them as JSON.
    """
    options = Deployment.from_env().source_options.get(spec.connection)
    return FileStore(address, spec.source, limits, options, now)
