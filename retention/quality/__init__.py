"""Quality: the checks of the contracts, the rows they refuse, and what stops a run."""

from retention.quality.deliveries import Delivery, find_deliveries, hold, published_until
from retention.quality.errors import (
    CheckFailed,
    DoesNotReconcile,
    NothingLanded,
    TooManyRefused,
    VolumeDropped,
    VolumeRose,
)
from retention.quality.ingest import validate
from retention.quality.pages import build_pages, write_pages
from retention.quality.reconciliation import Reconciled, reconcile
from retention.quality.replay import Outcome, Selection, discard, outcomes, repair, repair_all, replay
from retention.quality.slices import check_slices
from retention.quality.tombstones import drop_erased

__all__ = [
    "CheckFailed",
    "Delivery",
    "DoesNotReconcile",
    "NothingLanded",
    "Outcome",
    "Reconciled",
    "Selection",
    "TooManyRefused",
    "VolumeDropped",
    "VolumeRose",
    "build_pages",
    "check_slices",
    "discard",
    "drop_erased",
    "find_deliveries",
    "hold",
    "outcomes",
    "published_until",
    "reconcile",
    "repair",
    "repair_all",
    "replay",
    "validate",
    "write_pages",
]
