"""Experiments: what a control group can show before it is drawn, and whether it can be trusted afterwards."""

from retention.campaigns.experiments.checking import SampleRatio, fill_control_checks, sample_ratio
from retention.campaigns.experiments.design import Design, design, detectable_difference, needed_customers

__all__ = [
    "Design",
    "SampleRatio",
    "design",
    "detectable_difference",
    "fill_control_checks",
    "needed_customers",
    "sample_ratio",
]
