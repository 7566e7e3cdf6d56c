"""Learning personas: k-means that starts from what the reviewed names look like, or from the groups there were before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from retention.models.learning import limited_threads
from retention.models.personas.catalogue import Persona, catalogue

Floats = NDArray[np.float64]

WEIGHTS: Mapping[str, float] = {"discount_share": 1.0, "price_position": 1.0, "order_rate": 1.0, "order_value": 1.0}
LARGEST = 3.0
"""Robust standard deviations that count at most: one order of 80,000 pieces does not make a group of its own."""
LEAST_KNOWN_SHARE = 0.2
"""An input known of fewer customers than this tells no groups apart."""
SAME_GROUP = 1.5
"""Centres of an old and a new group that lie further apart than this (robust standard deviations) are not the same group."""
_NOT_ALLOWED = 1e6
_FIRST = 1e3


@dataclass(frozen=True)
class PersonaModel:
    """Groups of customers with their names.

    Attributes
    ----------
    inputs : names of what groups are told by; others were not known or the same for everybody.
    centre, scale : median and robust standard deviation of each.
    groups : centres of the groups in those units.
    names : code of each group in the catalogue.
    """

    kind: ClassVar[str] = "persona"

    inputs: tuple[str, ...]
    centre: Floats
    scale: Floats
    groups: Floats
    names: tuple[str, ...]

    def standardised(self, frame: pd.DataFrame) -> Floats:
        """Robust standard deviations from the median; what is not known stands at the median."""
        values = frame[list(self.inputs)].to_numpy(dtype=np.float64)
        return np.nan_to_num(np.clip((values - self.centre) / self.scale, -LARGEST, LARGEST))

    def labels(self, frame: pd.DataFrame) -> NDArray[np.int64]:
        """Position of the nearest group of each row."""
        return np.asarray(_distances(self.standardised(frame), self.groups).argmin(axis=1), dtype=np.int64)

    def assign(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Persona of each row, the next nearest one, and fit: 0 halfway between the two, 1 in the centre of its own."""
        distances = _distances(self.standardised(frame), self.groups)
        order = np.argsort(distances, axis=1, kind="stable")
        names = np.array(self.names, dtype=object)
        first, second = (np.take_along_axis(distances, order[:, [place]], axis=1)[:, 0] for place in (0, 1))
        fit = 1 - np.divide(first, second, out=np.ones_like(first), where=second > 0)
        return pd.DataFrame(
            {"persona": names[order[:, 0]], "second_persona": names[order[:, 1]], "fit": fit.clip(0, 1)}, index=frame.index
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers and text that make the model again."""
        return {
            "inputs": list(self.inputs), "centre": self.centre, "scale": self.scale, "groups": self.groups,
            "names": list(self.names),
        }  # fmt: skip

    @classmethod
    def from_dict(cls, stored: dict[str, Any]) -> Self:
        """Make the model from `to_dict`."""
        return cls(tuple(stored["inputs"]), stored["centre"], stored["scale"], stored["groups"], tuple(stored["names"]))


def fit_personas(frame: pd.DataFrame, before: PersonaModel | None = None) -> PersonaModel:
    """Learn groups and name them.

    Parameters
    ----------
    frame : one row per customer, the columns of `INPUTS`; nan where not known.
    before : groups that are to be found again under their names, where they are still there.

    Raises
    ------
    ValueError when fewer than two inputs tell customers apart.
    """
    frame = frame.sort_index()
    known = frame.notna().mean()
    told = [name for name in WEIGHTS if known[name] >= LEAST_KNOWN_SHARE and frame[name].nunique() > 2]
    if len(told) < 2:
        raise ValueError(
            f"personas: only {', '.join(told) or 'nothing'} tells customers apart, two of {', '.join(WEIGHTS)} are needed"
        )
    values = frame[told]
    centre = values.median().to_numpy(dtype=np.float64)
    scale = ((values.quantile(0.75) - values.quantile(0.25)) / 1.349).to_numpy(dtype=np.float64)
    deviation = values.std().to_numpy(dtype=np.float64)
    scale = np.where(scale > 1e-9, scale, np.where(deviation > 1e-9, deviation, 1.0))
    blank = PersonaModel(tuple(told), centre, scale, np.zeros((0, len(told))), ())
    start = _start(blank, before)
    groups = _k_means(blank.standardised(frame), start)
    names = name_groups(groups, tuple(told), _moved(before, blank) if before else None)
    return PersonaModel(tuple(told), centre, scale, groups, names)


def name_groups(groups: Floats, inputs: Sequence[str], before: tuple[Floats, Sequence[str]] | None = None) -> tuple[str, ...]:
    """Name each group by the best matching of all groups with all names at once.

    A group found again near an old one keeps that name as long as it keeps to what the name means; what is left gets the
    name it looks most like.
    """
    from scipy.optimize import linear_sum_assignment

    known = catalogue()
    codes = list(known)
    cost = np.empty((len(groups), len(codes)))
    for row, group in enumerate(groups):
        centre = dict(zip(inputs, group, strict=True))
        for column, code in enumerate(codes):
            unlike = _unlike(known[code], centre) - (_FIRST if known[code].first else 0.0)
            cost[row, column] = unlike if known[code].holds(centre) else _NOT_ALLOWED
    if before is not None:
        old, names = before
        gap = _distances(groups, old)
        rows, columns = linear_sum_assignment(gap)
        for row, column in zip(rows, columns, strict=True):
            kept = codes.index(names[column])
            if gap[row, column] <= SAME_GROUP and cost[row, kept] < _NOT_ALLOWED:
                cost[row, kept] = -_NOT_ALLOWED / 2 + gap[row, column]
    rows, columns = linear_sum_assignment(cost)
    chosen = dict(zip(rows.tolist(), columns.tolist(), strict=True))
    return tuple(codes[chosen[row]] for row in range(len(groups)))


def by_rule(frame: pd.DataFrame) -> pd.DataFrame:
    """Give each customer the name they themselves look most like, of those that groups start from: the stated fallback."""
    known = {code: persona for code, persona in catalogue().items() if persona.start or code == "balanced"}
    values = frame[list(WEIGHTS)].astype("float64")
    spread = ((values.quantile(0.75) - values.quantile(0.25)) / 1.349).replace(0, np.nan).fillna(1.0)
    away = ((values - values.median()) / spread).clip(-LARGEST, LARGEST).fillna(0.0)
    looks = np.array([[persona.looks.get(name, 0.0) for name in WEIGHTS] for persona in known.values()])
    codes = list(known)
    return PersonaModel(tuple(WEIGHTS), np.zeros(len(WEIGHTS)), np.ones(len(WEIGHTS)), looks, tuple(codes)).assign(away)


def _unlike(persona: Persona, centre: Mapping[str, float]) -> float:
    return float(np.sqrt(sum((value - persona.looks.get(name, 0.0)) ** 2 for name, value in centre.items())))


def _start(blank: PersonaModel, before: PersonaModel | None) -> Floats:
    """Start from the old groups where they are told by the same inputs, else from what the names look like."""
    if before is not None and before.inputs == blank.inputs:
        return _moved(before, blank)[0]
    return np.array(
        [[persona.looks.get(name, 0.0) for name in blank.inputs] for persona in catalogue().values() if persona.start]
    )


def _moved(before: PersonaModel, to: PersonaModel) -> tuple[Floats, Sequence[str]]:
    """Old groups in the units of a new model; where an input is new, at its median."""
    raw = before.groups * before.scale + before.centre
    moved = np.zeros((len(raw), len(to.inputs)))
    for column, name in enumerate(to.inputs):
        if name in before.inputs:
            moved[:, column] = (raw[:, before.inputs.index(name)] - to.centre[column]) / to.scale[column]
    return moved, before.names


def _k_means(values: Floats, start: Floats) -> Floats:
    from sklearn.cluster import KMeans

    # One thread: with several the order in which they add up their parts of a sum decides its last digits.
    with limited_threads(1):
        fitted = KMeans(len(start), init=start, n_init=1, algorithm="lloyd").fit(values)
    return np.asarray(fitted.cluster_centers_, dtype=np.float64)


def _distances(values: Floats, groups: Floats) -> Floats:
    return np.asarray(np.sqrt(((values[:, None, :] - groups[None]) ** 2).sum(axis=2)))
