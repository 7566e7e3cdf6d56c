"""One file being read: what is known of it, within which limits it is read, and the words when it cannot be."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

import pyarrow as pa

from retention.settings import IngestSettings
from retention.sources.errors import FileTooLarge, SourceUnreadable
from retention.sources.spec import EntitySpec

RawBatch = tuple[dict[str, pa.Array], int, pa.Array]
"""The columns delivered, the number of rows, and where each stood in its file."""

Check = Callable[[Sequence[str]], None]
"""Is given the names of the columns found, before the first row."""


@dataclass
class Seen:
    """What reading a file showed."""

    defect: str | None = None
    """Why none of its records could be read, where that sets aside the file and does not stop the delivery."""


@dataclass(frozen=True)
class SourceFile:
    """One file that a source offers."""

    path: str
    """Relative to the source's folder."""
    size: int
    """Bytes as it lies there, packed if it is packed."""
    day: date | None
    """Day in its name; None where the pattern names none."""
    version: str | None = None
    """What changes whenever the store holds other bytes under the name; None where the store tells no such thing."""
    modified: datetime | None = None
    """When it was last written, aware; None where the store does not tell."""
    arrived: datetime | None = None
    """When it came to lie there, aware; later than ``modified`` where it was copied with its times."""
    sha256: str | None = None
    """Content that was decided upon: reading other bytes than these stops."""
    seen: Seen = field(default_factory=Seen, compare=False, repr=False)


@dataclass(frozen=True)
class Reading:
    """One reading of one file for one entity."""

    source: str
    spec: EntitySpec
    file: SourceFile
    limits: IngestSettings

    @property
    def where(self) -> str:
        """Source, entity and file, for messages."""
        return f"{self.source} {self.spec.entity}: {self.file.path}"

    @property
    def record_bytes(self) -> int:
        """Longest record that is looked for the end of; several times what a value may hold."""
        return max(16 << 20, 4 * self.limits.max_value_bytes)

    def unreadable(self, why: str) -> SourceUnreadable:
        """Return the error for bytes that are not what the description says; ``why`` begins with its punctuation."""
        return SourceUnreadable(
            f"{self.where} is no readable {self.spec.format}{why}. Nothing landed. Check format, options.encoding and "
            "options.delimiter in its description, or ask for the file again."
        )

    def too_large(self, what: str, setting: str, found: str) -> FileTooLarge:
        """Return the error for more of something than the settings allow."""
        return FileTooLarge(
            f"{self.where}: {what}: expected at most {getattr(self.limits, setting):,} (ingest.{setting}), found {found}. "
            "Nothing landed. Ask the sender what happened; raise the setting only for a file that is really so large."
        )
