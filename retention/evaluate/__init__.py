"""Trying it on a history of orders in a file: without a warehouse, a source or a schedule of one's own."""

from retention.evaluate.errors import HistoryUnusable
from retention.evaluate.evaluation import Evaluated, Request, evaluate

__all__ = ["Evaluated", "HistoryUnusable", "Request", "evaluate"]
