"""What is wrong with a file that somebody wants to try."""

from __future__ import annotations

from retention.warehouse import RetentionError


class HistoryUnusable(RetentionError):
    """A file cannot be read as a history of orders, customers or complaints; the message says what to do about it."""

    runbook = "evaluate-input"
