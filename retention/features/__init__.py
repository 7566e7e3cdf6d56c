"""Features of customers as of a date: the tables that models, segments and plays read."""

from retention.features.binds import feature_binds
from retention.features.build import FEATURE_TABLES, build
from retention.features.frame import frame, model_features
from retention.features.labels import labels
from retention.features.slices import MissingSlice, require_published

__all__ = ["FEATURE_TABLES", "MissingSlice", "build", "feature_binds", "frame", "labels", "model_features", "require_published"]
