"""Further targets: other databases kept equal to the marketing database, each by a description in ``include/targets``."""

from retention.campaigns.targets.errors import TargetChanged, TargetError, TargetsFailed, TargetUnreachable
from retention.campaigns.targets.feeding import feed_targets
from retention.campaigns.targets.spec import TARGETS_DIR, Target, load_targets

__all__ = [
    "TARGETS_DIR",
    "Target",
    "TargetChanged",
    "TargetError",
    "TargetUnreachable",
    "TargetsFailed",
    "feed_targets",
    "load_targets",
]
