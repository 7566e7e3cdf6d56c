"""The rules behind ``include/segments/rfm_cells.csv``: every RFM score cell to its class and its named segment.

The shipped table is what runs; people review and may change it. This module writes it anew from the stated rules
(``python -m retention.segments.rfm_cells > include/segments/rfm_cells.csv``), and a test says when the two differ.
"""

from __future__ import annotations

import csv
import sys
from dataclasses import asdict, dataclass, fields
from itertools import product
from typing import TextIO

SCORES = (1, 2, 3, 4, 5)

CLASS_PATTERNS: dict[str, tuple[int, int, int]] = {
    "low_value": (1, 1, 1),
    "general": (1, 3, 3),
    "potential": (5, 1, 5),
    "high_value": (5, 5, 5),
}
"""Pattern of each class as scores of recency, frequency and money (near or high 5, middle 3, far or low 1), lowest first."""


@dataclass(frozen=True)
class RfmCell:
    """One of the 125 cells with what it stands for."""

    recency_score: int
    frequency_score: int
    monetary_score: int
    rfm_class: str
    rfm_segment: str


def class_of(recency_score: int, frequency_score: int, monetary_score: int) -> str:
    """Return the class whose pattern is nearest (sum of squared differences of scores); ties go to the lower class."""
    cell = (recency_score, frequency_score, monetary_score)

    def distance(pattern: tuple[int, int, int]) -> int:
        return sum((score - wanted) ** 2 for score, wanted in zip(cell, pattern, strict=True))

    # min() keeps the first of equals, and the patterns are listed from the lowest class up.
    return min(CLASS_PATTERNS, key=lambda name: distance(CLASS_PATTERNS[name]))


def segment_of(recency_score: int, frequency_score: int, monetary_score: int) -> str:
    """Return the named segment, from recency and the mean of frequency and money (rounded down).

    The customary map over a grid of 5 by 5, with the corner of the longest absence and least business split off as lost.
    """
    recency, value = recency_score, (frequency_score + monetary_score) // 2
    if recency == 5:
        return {1: "new", 2: "potential_loyalist", 3: "potential_loyalist"}.get(value, "champions")
    if recency == 4:
        return {1: "promising", 2: "potential_loyalist", 3: "potential_loyalist"}.get(value, "loyal")
    if recency == 3:
        return {1: "about_to_sleep", 2: "about_to_sleep", 3: "need_attention"}.get(value, "loyal")
    if value == 5:
        return "cannot_lose"
    if value >= 3:
        return "at_risk"
    return "lost" if (recency, value) == (1, 1) else "hibernating"


def rfm_cells() -> list[RfmCell]:
    """Return all 125 cells in order of their scores."""
    return [RfmCell(r, f, m, class_of(r, f, m), segment_of(r, f, m)) for r, f, m in product(SCORES, SCORES, SCORES)]


def write_cells(stream: TextIO) -> None:
    """Write the table as CSV."""
    writer = csv.DictWriter(stream, [field.name for field in fields(RfmCell)], lineterminator="\n")
    writer.writeheader()
    writer.writerows(asdict(cell) for cell in rfm_cells())


if __name__ == "__main__":
    write_cells(sys.stdout)
