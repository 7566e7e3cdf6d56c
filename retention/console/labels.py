"""What members of dimensions and plays are called, read once per publication."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from retention.console.reading import Reader
from retention.console.words import Text, both, label, words

_SAME = {"segment": "rfm_segment", "membership": "membership_level"}
"""Dimensions of KPIs that segments know under another name."""


class Labels:
    """Names of groups and plays in both languages."""

    def __init__(self, reader: Reader) -> None:
        self._members: dict[tuple[str, str], Mapping[str, Any]] = {
            (row["dimension"], row["member"]): row for row in reader.rows("member_labels")
        }
        self.plays: dict[str, Mapping[str, Any]] = {row["play"]: row for row in reader.rows("play_names")}

    def member(self, dimension: str, name: object) -> Text:
        """Return what a member of a dimension is called."""
        text = str(name)
        if dimension == "play":
            return self.play(text)
        found = self._members.get((_SAME.get(dimension, dimension), text))
        if found is not None:
            return both(found["label_en"], found["label_zh"], text)
        if dimension in ("channel", "order_channel") and text in words()["channel"]:
            return label("channel", text)
        if text in words()["member"]:
            return label("member", text)
        return {"en": text, "zh": text}

    def order(self, dimension: str, name: str) -> int | None:
        """Return the place of a member within its dimension, 1 the lowest; None where there is no order."""
        found = self._members.get((_SAME.get(dimension, dimension), name))
        return None if found is None else found["position"]

    def play(self, name: str) -> Text:
        """Return what a play is called."""
        if name == "*":
            return {"en": "Whole programme", "zh": "整体项目"}
        found = self.plays.get(name)
        return both(found["name_en"], found["name_zh"], name) if found else {"en": name, "zh": name}
