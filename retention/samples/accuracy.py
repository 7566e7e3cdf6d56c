"""How well linking does against known truth, pair by pair and person by person."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd


@dataclass(frozen=True)
class Quality:
    """Pairs of records: found and true, out of all true ones and all found ones; and people found exactly."""

    true_pairs: int
    found_pairs: int
    right_pairs: int
    exact_people: float
    """Share of true people with two or more records whose records are together, with nobody else's."""

    @property
    def precision(self) -> float:
        """Share of found pairs that are true."""
        return self.right_pairs / self.found_pairs if self.found_pairs else 1.0

    @property
    def recall(self) -> float:
        """Share of true pairs that were found."""
        return self.right_pairs / self.true_pairs if self.true_pairs else 1.0


def pairwise(truth: npt.ArrayLike, found: npt.ArrayLike) -> Quality:
    """Compare true and found people, given for each record.

    Counts pairs of records within groups, so that it costs by the records and not by the pairs.
    """
    table = pd.DataFrame({"truth": np.asarray(truth), "found": np.asarray(found)})
    both = table.groupby(["truth", "found"]).size()
    by_truth, by_found = table.groupby("truth").size(), table.groupby("found").size()
    several = by_truth[by_truth > 1]
    whole = both.reset_index(name="size")
    whole = whole[whole["truth"].isin(several.index)]
    exact = (whole["size"] == whole["truth"].map(by_truth)) & (whole["size"] == whole["found"].map(by_found))
    return Quality(_pairs(by_truth), _pairs(by_found), _pairs(both), float(exact.sum() / max(1, len(several))))


def informative_pairs(records: pd.DataFrame, fields: int) -> npt.NDArray[np.bool_]:
    """Return for each true pair of :func:`true_pairs` whether it agrees in at least so many fields, one of them
    an address or the birth date.

    Fields are e-mail, phone, birth date, name and city, as normalised. Two records that agree in nothing but a name cannot
    be told from two people of that name, whoever looks.
    """
    pairs = true_pairs(records)
    agree = {
        column: (records[column].to_numpy()[pairs[:, 0]] == records[column].to_numpy()[pairs[:, 1]])
        & records[column].notna().to_numpy()[pairs[:, 0]]
        for column in ("email_normalised", "phone_e164", "birth_date", "name", "city")
    }
    count = np.sum(list(agree.values()), axis=0)
    return np.asarray((count >= fields) & (agree["email_normalised"] | agree["phone_e164"] | agree["birth_date"]))


def true_pairs(records: pd.DataFrame) -> npt.NDArray[np.int64]:
    """Return the positions of the two records of each true pair, by the column ``person``."""
    place = pd.DataFrame({"person": records["person"].to_numpy(), "place": np.arange(len(records))})
    pairs = place.merge(place, on="person")
    pairs = pairs[pairs["place_x"] < pairs["place_y"]]
    return pairs[["place_x", "place_y"]].to_numpy(dtype=np.int64)


def _pairs(sizes: pd.Series) -> int:
    counts = sizes.to_numpy(dtype=np.int64)
    return int((counts * (counts - 1) // 2).sum())
