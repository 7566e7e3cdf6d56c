"""Experiments: what a control group can show before it is drawn, and whether it can be trusted afterwards."""

from retention.campaigns.experiments.checking import SampleRatio, fill_control_checks, sample_ratio
from retention.campaigns.experiments.design import Design, design, detectable_difference, needed_customers
from retention.campaigns.experiments.reading import read_design, sentence

__all__ = [
    "Design",
    "SampleRatio",
    "design",
    "detectable_difference",
    "fill_control_checks",
    "needed_customers",
    "read_design",
    "sample_ratio",
    "sentence",
]
