"""What can be wrong with a source. Each kind has its own class, its own words and its own place in the runbook."""

from __future__ import annotations

from retention.warehouse import RetentionError


class SourceError(RetentionError):
    """Base: a source could not be read as described. Nothing of it was landed."""

    runbook = "source-errors"


class SpecError(SourceError):
    """A description under include/sources is wrong; the message names file and key."""

    runbook = "source-description"


class SourceMissing(SourceError):
    """Base: what should be read is not there. The last published state stays in force."""

    runbook = "missing-source"


class SourceUnreachable(SourceMissing):
    """The database or store does not answer or refuses the login."""

    runbook = "source-unreachable"
    retryable = True


class TableMissing(SourceMissing):
    """The source database has no such table or view."""

    runbook = "missing-table"


class FolderMissing(SourceMissing):
    """The folder of a file source does not exist."""

    runbook = "missing-folder"


class FileMissing(SourceMissing):
    """The file of the day has not been delivered."""

    runbook = "missing-file"
    retryable = True


class ColumnMissing(SourceError):
    """A table or file lacks a column that its description names."""

    runbook = "missing-column"


class ColumnRetyped(SourceError):
    """A column holds another type of values than in the last published batch."""

    runbook = "retyped-column"


class UnknownCode(SourceError):
    """A column holds codes that its description does not name, and its policy is to stop."""

    runbook = "unknown-code"


class EmptyDay(SourceError):
    """The source answered and has no row for a day on which rows are expected."""

    runbook = "empty-day"


class HeaderOnlyFile(SourceError):
    """The file of the day has a header and no row, where rows are expected."""

    runbook = "header-only-file"


class EmptyFile(SourceError):
    """A file of no bytes, not even a header: a delivery that broke off."""

    runbook = "empty-file"


class FileChanged(SourceError):
    """A file that was already loaded has another content now."""

    runbook = "file-changed-after-load"


class PathRefused(SourceError):
    """A path leads out of the folder of its source."""

    runbook = "path-refused"


class SourceUnreadable(SourceError):
    """The bytes or types of a source cannot be read as described."""

    runbook = "source-unreadable"


class SnapshotShrank(SourceError):
    """More rows of a snapshot are missing than a source deletes in a day: it was probably not delivered whole."""

    runbook = "snapshot-shrank"


class SnapshotOutdated(SourceError):
    """A snapshot was compared with a published state that has been replaced since."""

    runbook = "snapshot-outdated"
    retryable = True


class FileTooLarge(SourceError):
    """A file, or what it unpacks to, is over a limit of the settings."""

    runbook = "file-limits"


class FileReplaced(SourceError):
    """A file was replaced or written to while it was read."""

    runbook = "file-replaced"
    retryable = True


class WorkbookRefused(SourceError):
    """A workbook holds what cannot be read safely: macros, a password, a formula without a stored value."""

    runbook = "workbook-refused"
