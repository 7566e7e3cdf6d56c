"""File sources: which files are due, and their rows as record batches. Folders and everything fsspec can open."""

from retention.sources.files.reading import RawBatch, SourceFile
from retention.sources.files.sniff import guess_encoding, sniff
from retention.sources.files.store import FileStore, open_files

__all__ = ["FileStore", "RawBatch", "SourceFile", "guess_encoding", "open_files", "sniff"]
