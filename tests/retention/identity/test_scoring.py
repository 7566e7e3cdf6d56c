"""A pair's weight is its own: it does not depend on what else is scored, nor in which portions."""

from __future__ import annotations

import pandas as pd
import pyarrow as pa
import pytest

from retention.identity import scoring, shipped_model
from retention.identity.records import prepare
from tests.retention.identity.people import records


def test_portions_do_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    model = shipped_model()
    prepared = prepare(records(*({"name": "王伟", "phone": f"1391234560{n}"} for n in range(6))), model.frequencies)
    prepared["email_use"] = prepared["phone_use"] = 0
    pairs = pa.table({"left": [1, 1, 2, 3, 4], "right": [2, 3, 4, 5, 6]})
    whole = scoring.score(prepared, pairs, model, keep_all=True)
    monkeypatch.setattr(scoring, "_PAIRS_AT_ONCE", 2)
    pd.testing.assert_frame_equal(scoring.score(prepared, pairs, model, keep_all=True), whole)
    alone = scoring.score(prepared, pairs.slice(2, 1), model, keep_all=True)
    assert alone["weight"][0] == whole.loc[whole["left"] == 2, "weight"].item()
