"""Model files: skops archives, never pickles; refused when a byte differs or a type is not on the list."""

from __future__ import annotations

import hashlib
import os
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import skops.io

from retention.deployment import Deployment
from retention.models.calibration import Calibration
from retention.models.churn import ChurnModel
from retention.models.value import ValueModel
from retention.warehouse import RetentionError

# All that a model file of ours may hold beside numbers, text and scikit-learn's public classes.
TRUSTED_TYPES = ("sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",)

Model = ChurnModel | ValueModel


class ModelFileRefused(RetentionError):
    """A model file is missing, differs from what was registered, or holds something it must not."""

    runbook = "model-file-refused"


def models_folder() -> Path:
    """Folder of the model files of this installation."""
    return Deployment.from_env().home / "models"


def save(name: str, scoring: Model, twin: Model, folder: Path | None = None) -> str:
    """Write a model file; readers see it whole or not at all.

    Parameters
    ----------
    name : file name.
    scoring : the model that scores.
    twin : the same recipe fitted without the newest outcomes, by which later challengers are compared fairly.

    Returns
    -------
    sha256 of the file.
    """
    folder = folder or models_folder()
    folder.mkdir(parents=True, exist_ok=True)
    data: bytes = skops.io.dumps({"scoring": _parts(scoring), "twin": _parts(twin)})
    partial = folder / f".{name}.{os.getpid()}"
    with partial.open("wb") as stream:
        stream.write(data)
        stream.flush()
        os.fsync(stream.fileno())
    partial.replace(folder / name)
    return hashlib.sha256(data).hexdigest()


def load(name: str, sha256: str, folder: Path | None = None) -> tuple[Model, Model]:
    """Read a model file: the scoring model and its twin.

    Raises
    ------
    ModelFileRefused before anything in the file is interpreted when its digest differs; and when it holds a type that
        is not on the pinned list.
    """
    path = (folder or models_folder()) / name
    if not path.is_file():
        raise ModelFileRefused(
            f"model file {name} is not in {path.parent}: restore it, or roll back to another version. Nothing was scored."
        )
    data = path.read_bytes()
    found = hashlib.sha256(data).hexdigest()
    if found != sha256:
        raise ModelFileRefused(
            f"model file {name}: sha256 starts with {found[:12]}, the registry has {sha256[:12]}. The file was changed or "
            "damaged after training; it was not opened. Restore it, or roll back to another version."
        )
    unknown = sorted(set(skops.io.get_untrusted_types(data=data)) - set(TRUSTED_TYPES))
    if unknown:
        raise ModelFileRefused(f"model file {name} holds types that no model of ours has: {', '.join(unknown)}. Not loaded.")
    stored = skops.io.loads(data, trusted=list(TRUSTED_TYPES))
    return _model(stored["scoring"]), _model(stored["twin"])


def _parts(model: Model) -> dict[str, Any]:
    if isinstance(model, ValueModel):
        return {"kind": "clv", **model.to_dict()}
    return {
        "kind": "churn",
        "features": list(model.features),
        "horizon_days": model.horizon_days,
        "process": model.process,
        "boosting": model.boosting,
        "smooth": model.smooth,
        "smooth_centre": model.smooth_centre,
        "smooth_scale": model.smooth_scale,
        "weight": model.weight,
        "calibration": asdict(model.calibration),
        "calibrated_as_of": model.calibrated_as_of.isoformat(),
    }


def _model(parts: dict[str, Any]) -> Model:
    if parts["kind"] == "clv":
        return ValueModel.from_dict(parts)
    return ChurnModel(
        features=tuple(parts["features"]),
        horizon_days=int(parts["horizon_days"]),
        process=parts["process"],
        boosting=parts["boosting"],
        smooth=parts["smooth"],
        smooth_centre=np.asarray(parts["smooth_centre"]),
        smooth_scale=np.asarray(parts["smooth_scale"]),
        weight=float(parts["weight"]),
        calibration=Calibration(**parts["calibration"]),
        calibrated_as_of=date.fromisoformat(parts["calibrated_as_of"]),
    )
