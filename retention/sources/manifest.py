"""The file manifest: which files have been loaded, by content. What is in it counts once its batch is published."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from retention.sources.errors import FileChanged
from retention.sources.files.reading import SourceFile
from retention.sources.files.store import FileStore
from retention.sources.spec import EntitySpec, SourceSpec
from retention.warehouse import Run


@dataclass
class FileEntry:
    """One file of a delivery."""

    file: SourceFile
    sha256: str
    skipped: str | None = None
    """Why it was not read; None when it was."""
    rows: int = 0

    @property
    def path(self) -> str:
        """Path relative to the source's folder."""
        return self.file.path


@dataclass(frozen=True)
class _Known:
    """What published batches say of a file."""

    sha256: str
    day: date
    rows: int
    version: str | None
    defect: str | None


def choose_files(
    run: Run, store: FileStore, spec: SourceSpec, entity: EntitySpec, due: Sequence[SourceFile]
) -> list[FileEntry]:
    """Decide which of the files that are due are read.

    Mode ``incremental``: those whose content no published batch has brought. Files of a batch that was not published count as
    news: the day is read again. A file without rows is never taken for a repetition, because one empty day's export looks
    like the next one's. What the store calls the same version as before is not read again to find out.

    Mode ``full``: the same, but a file that has changed is read again, and one without a day in its name is read every day.

    Mode ``snapshot``: the files of the newest day, or all where names carry no day, whether they were read before or not: what
    is not in them was deleted. Older ones that come late are skipped.

    Raises
    ------
    FileChanged when a published file has another content now, in mode ``incremental``.
    """
    known = _published(run, spec.source, entity.entity)
    if entity.mode == "snapshot":
        return _newest(store, entity, known, due)
    broken = {found.sha256 for found in known.values() if found.defect is not None}
    by_content = {found.sha256: path for path, found in known.items() if found.rows and found.sha256 not in broken}
    entries: list[FileEntry] = []
    proved: list[SourceFile] = []
    for file in due:
        earlier = known.get(file.path)
        again = entity.mode == "full" and file.day is None
        if earlier is not None and not again and file.version is not None and file.version == earlier.version:
            continue
        digest = store.sha256(file, entity)
        if earlier is not None and not again:
            if earlier.sha256 == digest:
                proved.append(replace(file, sha256=digest))
                continue
            # What could not be read may be corrected under its name; so may a copy of it, which was skipped.
            if entity.mode == "incremental" and earlier.sha256 not in broken:
                raise FileChanged(
                    f"{spec.source} {entity.entity} {run.business_date}: {file.path} was loaded on {earlier.day} and has "
                    "another content now. Nothing landed. Deliver corrections under a new name, with rows that carry their new "
                    "updated time."
                )
        same = by_content.get(digest) if not again else None
        skipped = f"same content as {same}" if same not in (None, file.path) else None
        entries.append(FileEntry(replace(file, sha256=digest), digest, skipped))
        by_content.setdefault(digest, file.path)
    _note_versions(run, spec, entity, proved)
    return entries


def _newest(store: FileStore, entity: EntitySpec, known: Mapping[str, _Known], due: Sequence[SourceFile]) -> list[FileEntry]:
    """Choose the files of the newest day; older ones that no batch has told of yet are skipped, and said so once."""
    newest = max((file.day for file in due if file.day is not None), default=None)
    entries = []
    for file in due:
        if file.day == newest:
            digest = store.sha256(file, entity)
            entries.append(FileEntry(replace(file, sha256=digest), digest))
        elif file.path not in known:
            entries.append(FileEntry(file, store.sha256(file, entity), f"older than the snapshot of {newest}"))
    return entries


def record_files(
    connection: Connection,
    spec: SourceSpec,
    entity: EntitySpec,
    business_date: date,
    batch_id: int,
    entries: Sequence[FileEntry],
) -> None:
    """Write a batch's files into the manifest, within the transaction that makes the batch visible."""
    if entries:
        connection.execute(
            sa.text(
                "insert into ops.file_manifest (batch_id, path, source, entity, business_date, size_bytes, sha256, version, "
                "rows, skipped, defect) values (:batch_id, :path, :source, :entity, :business_date, :size_bytes, :sha256, "
                ":version, :rows, :skipped, :defect)"
            ),
            [
                {
                    "batch_id": batch_id,
                    "path": entry.path,
                    "source": spec.source,
                    "entity": entity.entity,
                    "business_date": business_date,
                    "size_bytes": entry.file.size,
                    "sha256": entry.sha256,
                    "version": entry.file.version,
                    "rows": entry.rows,
                    "skipped": entry.skipped,
                    "defect": entry.file.seen.defect,
                }
                for entry in entries
            ],
        )


def _note_versions(run: Run, spec: SourceSpec, entity: EntitySpec, files: Sequence[SourceFile]) -> None:
    """Remember the versions of files whose content proved to be the known one, so that they are not read for that again."""
    told = [
        {"version": file.version, "source": spec.source, "entity": entity.entity, "path": file.path, "sha256": file.sha256}
        for file in files
        if file.version is not None
    ]
    if not told:
        return
    with run.warehouse.begin() as connection:
        connection.execute(
            sa.text(
                "update ops.file_manifest set version = :version where source = :source and entity = :entity and path = :path "
                "and sha256 = :sha256"
            ),
            told,
        )


def _published(run: Run, source: str, entity: str) -> dict[str, _Known]:
    """Return what the newest published batch says of each file, by path."""
    with run.warehouse.connect() as connection:
        rows = connection.execute(
            sa.text(
                "select entry.path, entry.sha256, entry.business_date, entry.rows, entry.version, entry.defect "
                "from ops.file_manifest as entry join ops.batch as batch on batch.batch_id = entry.batch_id "
                "where batch.state = 'published' and entry.source = :source and entry.entity = :entity "
                "order by entry.batch_id"
            ),
            {"source": source, "entity": entity},
        ).all()
    return {row.path: _Known(row.sha256, row.business_date, row.rows, row.version, row.defect) for row in rows}
