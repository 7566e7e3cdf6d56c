"""Measurement: KPIs, what each play brought, scores against what happened, audiences, the complaint clock."""

from retention.measurement.complaint_alerts import alert_messages, confirm_alerted
from retention.measurement.complaint_review import review_complaints
from retention.measurement.complaints import check_complaint_clock, record_complaints
from retention.measurement.feedback import read_feedback
from retention.measurement.measure import measure

__all__ = [
    "alert_messages",
    "check_complaint_clock",
    "confirm_alerted",
    "measure",
    "read_feedback",
    "record_complaints",
    "review_complaints",
]
