"""The dictionary of KPIs: whoever reads a number reads in either language how it was computed."""

from __future__ import annotations

import re

from retention.warehouse import load_contract

CHINESE = re.compile(r"[\u4e00-\u9fff]")
DEFINED = load_contract("bi.kpi_value").column("kpi").extra["values"]


def test_every_kpi_says_in_both_languages_how_it_is_computed() -> None:
    assert len(DEFINED) >= 20
    for kpi, definition in DEFINED.items():
        assert set(definition) == {"label", "label_zh", "unit", "formula", "formula_zh"}, kpi
        assert all(str(text).strip() for text in definition.values()), kpi
        for key in ("label_zh", "formula_zh"):
            assert CHINESE.search(definition[key]), f"{kpi}: {key} is not Chinese"
        for key in ("label", "formula"):
            assert not CHINESE.search(definition[key]), f"{kpi}: {key} is not English"


def test_both_formulas_name_the_same_settings() -> None:
    """A formula that is changed in one language only would send the other's reader to the wrong setting."""
    for kpi, definition in DEFINED.items():
        named = [set(re.findall(r"[a-z]+\.[a-z_]+", definition[key])) for key in ("formula", "formula_zh")]
        assert named[0] == named[1], kpi
