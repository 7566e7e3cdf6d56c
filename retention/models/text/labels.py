"""Rows of `scores.text_label`: every text of the look-back, read by the champion or by the lexicon."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from retention.models import artifacts, registry
from retention.models.text.corpus import texts
from retention.models.text.lexicon import lexicon_version
from retention.models.text.reading import BY_LEXICON, TASKS, TextModel
from retention.models.text.training import DEFINITION
from retention.warehouse import Run, load_contract, read_frame

if TYPE_CHECKING:
    from retention.models.scoring import Given

TEXT_FALLBACK = "fallback-lexicon"
_KEY = ["text_kind", "text_key", "state_at"]


def rows(run: Run, given: Given | None = None) -> dict[str, pd.DataFrame]:
    """Labels of all texts of the look-back as they stood at the as-of date. Never the texts.

    Texts that the newest earlier slice holds in the same state, read by the same model, are not read again: the same
    model reads the same text the same way.

    Raises
    ------
    ModelFileRefused when the champion's file is not the one that was registered.
    """
    champion = registry.champion(run.warehouse, "text", DEFINITION)
    model_version, model = TEXT_FALLBACK, TextModel()
    if champion is not None:
        stored = artifacts.load(champion.file_name, champion.file_sha256)[0]
        if not isinstance(stored, TextModel):
            raise artifacts.ModelFileRefused(f"{champion.file_name} holds no model of texts. Nothing published.")
        model_version, model = champion.model_version, stored
    words = lexicon_version()
    frame = texts(run, run.settings.text.look_back_days)
    labels = _labels(run, model_version, words)
    read = frame.merge(labels, on=_KEY, how="left", indicator="known")
    new = (read.pop("known") == "left_only").to_numpy()
    fresh = model.read(frame.loc[new, "written"].tolist(), frame.loc[new, "text_kind"].tolist())
    for name in fresh.columns:
        column = read[name].astype("object")
        column[new] = fresh[name].astype("object").to_numpy()
        read[name] = column.astype("float64") if name.endswith("_probability") else column.where(column.notna(), None)
    read["as_of_date"], read["model_version"], read["lexicon_version"] = run.as_of_date, model_version, words
    read["is_fallback"] = (read[[f"{task}_basis" for task in TASKS]] == BY_LEXICON).any(axis=1)
    return {"scores.text_label": read[list(load_contract("scores.text_label").column_names)]}


def _labels(run: Run, model_version: str, words: str) -> pd.DataFrame:
    """Labels of the newest earlier slice, if the same model and lexicon read it; else none."""
    columns = [*_KEY, "language", *(f"{task}{part}" for task in TASKS for part in ("", "_probability", "_basis"))]
    return read_frame(
        run.warehouse,
        f"select {', '.join(columns)} from scores.text_label where model_version = :version and lexicon_version = :words "
        "and as_of_date = (select max(as_of_date) from scores.text_label where as_of_date < :day)",
        {"day": run.as_of_date, "version": model_version, "words": words},
    )
