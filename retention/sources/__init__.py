"""Sources: what a CRM, a sales system or a service desk delivers, landed under our names as Arrow record batches."""

from retention.sources.errors import (
    ColumnMissing,
    EmptyDay,
    EmptyFile,
    FileChanged,
    FileMissing,
    FileReplaced,
    FileTooLarge,
    FolderMissing,
    HeaderOnlyFile,
    PathRefused,
    SourceError,
    SourceMissing,
    SourceUnreachable,
    SourceUnreadable,
    SpecError,
    TableMissing,
    WorkbookRefused,
)
from retention.sources.landing import extract
from retention.sources.read import changes
from retention.sources.spec import ColumnMap, EntitySpec, Expect, SourceSpec, load_spec, load_specs

__all__ = [
    "ColumnMap",
    "ColumnMissing",
    "EmptyDay",
    "EmptyFile",
    "EntitySpec",
    "Expect",
    "FileChanged",
    "FileMissing",
    "FileReplaced",
    "FileTooLarge",
    "FolderMissing",
    "HeaderOnlyFile",
    "PathRefused",
    "SourceError",
    "SourceMissing",
    "SourceSpec",
    "SourceUnreachable",
    "SourceUnreadable",
    "SpecError",
    "TableMissing",
    "WorkbookRefused",
    "changes",
    "extract",
    "load_spec",
    "load_specs",
]
