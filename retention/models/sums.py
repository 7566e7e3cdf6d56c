"""Sums that do not depend on which rows stand beside each other."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def row_sums(matrix: Floats, weights: Floats) -> Floats:
    """Weighted sum of each row.

    Linear algebra libraries take rows in fours and the last ones otherwise, so that a customer's last digit would depend on how
    many others are predicted beside; here every row is added up alone, in one and the same order.
    """
    return np.asarray(np.einsum("ij,j->i", np.ascontiguousarray(matrix), weights), dtype=np.float64)
