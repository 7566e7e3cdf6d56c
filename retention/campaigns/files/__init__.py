"""Audiences as files, for tools that cannot read a database: CSV, JSON lines or Parquet, with a manifest, swapped in whole."""

from retention.campaigns.files.exporting import Exported, export_audience
from retention.campaigns.files.manifest import ListBroken, read_list
from retention.campaigns.files.scheduled import export_configured

__all__ = ["Exported", "ListBroken", "export_audience", "export_configured", "read_list"]
