"""The file manifest: which files have been loaded, by content. What is in it counts once its batch is published."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from retention.sources.errors import FileChanged
from retention.sources.files import FileStore, SourceFile
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


def choose_files(
    run: Run, store: FileStore, spec: SourceSpec, entity: EntitySpec, due: Sequence[SourceFile]
) -> list[FileEntry]:
    """Decide which of the files that are due are news: those whose content no published batch has brought.

    Files of a batch that was not published count as news: the day is read again. A file without rows is never taken for a
    repetition, because one empty day's export looks like the next one's.

    Raises
    ------
    FileChanged when a published file has another content now.
    """
    by_path, by_content = _published(run, spec.source, entity.entity)
    entries = []
    for file in due:
        digest = store.sha256(file)
        earlier = by_path.get(file.path)
        if earlier is not None and earlier[0] != digest:
            raise FileChanged(
                f"{spec.source} {entity.entity} {run.business_date}: {file.path} was loaded on {earlier[1]} and has "
                "another content "
                "now. Nothing landed. Deliver corrections under a new name, with rows that carry their new updated time."
            )
        if earlier is not None:
            continue
        same = by_content.get(digest)
        entries.append(FileEntry(file, digest, None if same is None else f"same content as {same}"))
        by_content.setdefault(digest, file.path)
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
                "insert into ops.file_manifest (batch_id, path, source, entity, business_date, size_bytes, sha256, "
                "rows, skipped) "
                "values (:batch_id, :path, :source, :entity, :business_date, :size_bytes, :sha256, :rows, :skipped)"
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
                    "rows": entry.rows,
                    "skipped": entry.skipped,
                }
                for entry in entries
            ],
        )


def _published(run: Run, source: str, entity: str) -> tuple[dict[str, tuple[str, date]], dict[str, str]]:
    """Return the files of published batches: path to content and day, and content (of files with rows) to path."""
    with run.warehouse.connect() as connection:
        rows = connection.execute(
            sa.text(
                "select entry.path, entry.sha256, entry.rows, entry.business_date from ops.file_manifest as entry "
                "join ops.batch as batch on batch.batch_id = entry.batch_id where batch.state = 'published' "
                "and entry.source = :source and entry.entity = :entity"
            ),
            {"source": source, "entity": entity},
        ).all()
    by_path = {row.path: (row.sha256, row.business_date) for row in rows}
    return by_path, {row.sha256: row.path for row in rows if row.rows}
