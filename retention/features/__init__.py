"""Features of customers as of a date: the tables that models, segments and plays read."""

from retention.features.binds import feature_binds
from retention.features.build import build
from retention.features.compare import FeaturesDiffer, compare, is_due
from retention.features.frame import frame, frames, model_features
from retention.features.labels import labels
from retention.features.past import keep_past
from retention.features.slices import MissingSlice, require_published
from retention.features.tables import FEATURE_TABLES

__all__ = [
    "FEATURE_TABLES",
    "FeaturesDiffer",
    "MissingSlice",
    "build",
    "compare",
    "feature_binds",
    "frame",
    "frames",
    "is_due",
    "keep_past",
    "labels",
    "model_features",
    "require_published",
]
