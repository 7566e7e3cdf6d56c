"""Segments of customers as of a date: RFM, value matrix, service tier, lifecycle, membership."""

from retention.segments.assign import SEGMENT_TABLES, assign
from retention.segments.reference import sync_reference
from retention.segments.rfm_cells import RfmCell, rfm_cells

__all__ = ["SEGMENT_TABLES", "RfmCell", "assign", "rfm_cells", "sync_reference"]
