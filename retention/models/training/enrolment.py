"""From a fitted model to a row of the registry: its name, its file, its measurements, its chapter of the report."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from importlib.metadata import version
from typing import Any

import numpy as np
import pandas as pd

from retention.models import artifacts, registry
from retention.models.registry import RegisteredModel
from retention.models.report.data import Chapter, Evaluation
from retention.models.training.promotion import Verdict
from retention.warehouse import Run

# Raised when training itself changes, so that a new version is trained on unchanged data.
RECIPE = 3
LIBRARIES = ("numpy", "pandas", "scikit-learn", "scipy", "skops")


@dataclass(frozen=True)
class Candidate:
    """A fitted and measured model that waits to be registered.

    Attributes
    ----------
    scoring, twin : the model that scores, and the same recipe fitted without the outcomes it was measured on.
    labels_until : end of the newest outcomes that the scoring model learned from.
    profile : what inputs and scores looked like; see :func:`retention.models.profile.score_profile`.
    """

    kind: str
    model_version: str
    definition: str
    horizon_days: int
    labels_until: date
    scoring: artifacts.StoredModel
    twin: artifacts.StoredModel
    training_rows: int
    evaluation: Evaluation
    details: dict[str, Any] = field(default_factory=dict)
    profile: dict[str, Any] = field(default_factory=dict)
    chapter: Chapter | None = None


def enrol(run: Run, candidate: Candidate, verdict: Verdict) -> RegisteredModel:
    """Write the model file and the registry's rows; where the verdict promotes, the champion before is retired.

    The file comes first: a crash between the two leaves a file that nobody refers to, never a model without its file.
    """
    file_name = f"{candidate.model_version}.skops"
    digest = artifacts.save(file_name, candidate.scoring, candidate.twin)
    chapter = candidate.chapter or Chapter(candidate.kind, candidate.model_version)
    chapter = replace(chapter, decision=verdict.reason, evaluation=candidate.evaluation)
    return registry.register(
        run,
        RegisteredModel(
            model_version=candidate.model_version,
            kind=candidate.kind,
            state=verdict.state,
            as_of_date=run.as_of_date,
            labels_until=candidate.labels_until,
            definition=candidate.definition,
            horizon_days=candidate.horizon_days,
            file_name=file_name,
            file_sha256=digest,
            training_rows=candidate.training_rows,
            details={**candidate.details, "libraries": {name: version(name) for name in LIBRARIES}},
            profile=candidate.profile,
            decision=verdict.reason,
            chapter=chapter,
        ),
        candidate.evaluation,
    )


def model_version(run: Run, kind: str, frames: Sequence[pd.DataFrame], columns: Sequence[Any], settings: Any) -> str:
    """Name a model by what it was made from: equal data, settings, recipe and libraries give an equal name.

    Parameters
    ----------
    frames, columns : all that was learned from and measured on.
    settings : the groups of settings that matter to this kind.
    """
    digest = hashlib.sha256()
    for frame in frames:
        digest.update(" ".join(frame.columns).encode())
        digest.update(pd.util.hash_pandas_object(frame, index=True).to_numpy().tobytes())
    for column in columns:
        digest.update(np.ascontiguousarray(column).tobytes())
    digest.update(repr((RECIPE, settings, [version(name) for name in LIBRARIES])).encode())
    return f"{kind}-{run.as_of_date:%Y%m%d}-{digest.hexdigest()[:10]}"
