"""Measurement: KPIs, what each play brought, scores against what happened, audiences, the complaint clock."""

from retention.measurement.complaints import check_complaint_clock, record_complaints
from retention.measurement.feedback import read_feedback
from retention.measurement.measure import measure

__all__ = ["check_complaint_clock", "measure", "read_feedback", "record_complaints"]
