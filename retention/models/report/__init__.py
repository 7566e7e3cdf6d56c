"""Reports of models: one HTML page that needs nothing beside itself.

``write_report(path, data)`` is a pure function of :class:`ReportData`; training, ``retention evaluate`` and
``retention model show`` all write their pages through it.
"""

from retention.models.report.data import (
    Band,
    Chapter,
    Drift,
    Effect,
    Evaluation,
    Fact,
    Importance,
    Matured,
    Measured,
    Note,
    ReportData,
    Shape,
    Table,
    Text,
)
from retention.models.report.page import write_report
from retention.models.report.shapes import shapes

__all__ = [
    "Band",
    "Chapter",
    "Drift",
    "Effect",
    "Evaluation",
    "Fact",
    "Importance",
    "Matured",
    "Measured",
    "Note",
    "ReportData",
    "Shape",
    "Table",
    "Text",
    "shapes",
    "write_report",
]
