"""The linkage model as it is stored: splink's probabilities, how common names are, and the thresholds."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from retention.identity.comparisons import LEVEL_COUNTS
from retention.warehouse import RetentionError

SHIPPED = Path(__file__).resolve().parents[2] / "include" / "identity" / "model.json"


class LinkageModelRefused(RetentionError):
    """A stored model is not what was stored, or does not fit this program."""

    runbook = "linkage-model"


@dataclass(frozen=True)
class NameFrequencies:
    """How common names are: shares of family and given names, which multiply.

    Only parts with at least ``minimum_bearers`` bearers are kept, so that the table points at nobody; rarer ones get the
    share of half that many. A name nobody has had yet is then as rare as its parts.
    """

    people: int
    surnames: dict[str, float]
    given: dict[str, float]
    minimum_bearers: int = 10

    @classmethod
    def count(cls, prepared: pd.DataFrame, minimum_bearers: int = 10) -> NameFrequencies:
        """Count the parts of names over records, one voice each."""
        people = prepared[prepared["script"].isin(["han", "latin"])]

        def shares(column: str) -> dict[str, float]:
            counted = people[column].value_counts()
            kept = counted[counted >= minimum_bearers]
            return {str(k): float(v) / len(people) for k, v in sorted(kept.items())}

        return cls(max(1, len(people)), shares("surname"), shares("given"), minimum_bearers)

    def shares(self, prepared: pd.DataFrame) -> npt.NDArray[np.float64]:
        """Return the share of people who bear each record's name; companies bear theirs alone, by law."""
        floor = 0.5 * self.minimum_bearers / self.people
        surname = prepared["surname"].map(self.surnames).fillna(floor).to_numpy(dtype=float)
        given = prepared["given"].map(self.given).fillna(floor).to_numpy(dtype=float)
        alone = 1.0 / self.people
        share = np.maximum(surname * given, alone / 10)
        return np.asarray(np.where((prepared["script"] == "company").to_numpy(), alone / 10, share))


@dataclass(frozen=True)
class LinkageModel:
    """Everything that scoring a pair needs.

    Attributes
    ----------
    splink
        Settings with m and u probabilities, as splink saves them.
    frequencies
        How common names are.
    link_probability
        Pairs from here on are linked.
    review_probability
        Pairs from here on are shown to people.
    trained_on
        Records it was trained on, and how: for people to read.
    """

    splink: dict[str, Any] = field(repr=False)
    frequencies: NameFrequencies = field(repr=False)
    link_probability: float
    review_probability: float
    trained_on: dict[str, Any]

    @property
    def text(self) -> str:
        """Return the model as JSON, always written alike."""
        return json.dumps(asdict(self), ensure_ascii=False, sort_keys=True, indent=1)

    @property
    def sha256(self) -> str:
        """Return the digest of the model: the same training gives the same one."""
        return hashlib.sha256(self.text.encode()).hexdigest()

    @property
    def version(self) -> str:
        """Return the name under which pairs refer to the model."""
        return f"linkage-{self.sha256[:12]}"

    def expected_bearers(self, prepared: pd.DataFrame) -> npt.NDArray[np.float64]:
        """Return how many people of each record's name are expected among the model's people."""
        return np.asarray(prepared["tf_name_full"].to_numpy(dtype=float) * self.frequencies.people)

    @classmethod
    def parse(cls, text: str, sha256: str | None = None) -> LinkageModel:
        """Read a stored model.

        Raises
        ------
        LinkageModelRefused when the text is not the one that was stored, or not a model.
        """
        try:
            values = json.loads(text)
            model = cls(**{**values, "frequencies": NameFrequencies(**values["frequencies"])})
        except (ValueError, TypeError, KeyError) as error:
            raise LinkageModelRefused(
                f"linkage model: {type(error).__name__} while reading it. Nothing linked. Train it again or restore it."
            ) from None
        compared = {part["output_column_name"]: len(part["comparison_levels"]) for part in model.splink["comparisons"]}
        if compared != LEVEL_COUNTS:
            raise LinkageModelRefused(
                f"linkage model {model.version}: its comparisons are {compared}, this program's {LEVEL_COUNTS}. "
                "Nothing linked. Train it again: `retention identity train --activate`."
            )
        if sha256 is not None and model.sha256 != sha256:
            raise LinkageModelRefused(
                f"linkage model: expected digest {sha256[:12]}, found {model.sha256[:12]}. Nothing linked. Train it again or "
                "restore it."
            )
        return model


@cache
def shipped_model() -> LinkageModel:
    """Return the model that comes with the product: it links until a team trains its own."""
    return LinkageModel.parse(SHIPPED.read_text(encoding="utf-8"))
