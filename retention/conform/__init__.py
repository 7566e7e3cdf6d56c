"""Conforming: validated deliveries become core tables, in one transaction a day."""

from retention.conform.publish import publish_core

__all__ = ["publish_core"]
