"""Model files: skops archives, never pickles; refused when a byte differs or a type is not on the list."""

from __future__ import annotations

import hashlib
import os
import warnings
from importlib import import_module
from pathlib import Path
from typing import Any, ClassVar, Protocol, Self

from retention.deployment import Deployment
from retention.warehouse import RetentionError

# All that a model file of ours may hold beside numbers, text and scikit-learn's public classes.
TRUSTED_TYPES = ("sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",)

# Where the class of each kind of model is; imported when such a file is read.
MODEL_CLASSES = {
    "churn": "retention.models.churn:ChurnModel",
    "renewal": "retention.models.renewal:RenewalModel",
    "clv": "retention.models.value:ValueModel",
    "text": "retention.models.text:TextModel",
    "persona": "retention.models.personas.model:PersonaModel",
    "next_best": "retention.models.next_best.training:NextBestRule",
    "association": "retention.models.next_best.training:AssociationRule",
    "preference": "retention.models.preferences.training:PreferenceRule",
}


class StoredModel(Protocol):
    """A model that can be written to a file and read again."""

    kind: ClassVar[str]

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers, text, arrays and scikit-learn's estimators that make the model again."""
        ...

    @classmethod
    def from_dict(cls, stored: dict[str, Any]) -> Self:
        """Make the model from `to_dict`."""
        ...


class ModelFileRefused(RetentionError):
    """A model file is missing, differs from what was registered, or holds something it must not."""

    runbook = "model-file-refused"


def models_folder() -> Path:
    """Folder of the model files of this installation."""
    return Deployment.from_env().home / "models"


def save(name: str, scoring: StoredModel, twin: StoredModel, folder: Path | None = None) -> str:
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
    data: bytes = _skops().dumps({"scoring": _parts(scoring), "twin": _parts(twin)})
    partial = folder / f".{name}.{os.getpid()}"
    with partial.open("wb") as stream:
        stream.write(data)
        stream.flush()
        os.fsync(stream.fileno())
    partial.replace(folder / name)
    return hashlib.sha256(data).hexdigest()


def load(name: str, sha256: str, folder: Path | None = None) -> tuple[StoredModel, StoredModel]:
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
    skops = _skops()
    unknown = sorted(set(skops.get_untrusted_types(data=data)) - set(TRUSTED_TYPES))
    if unknown:
        raise ModelFileRefused(f"model file {name} holds types that no model of ours has: {', '.join(unknown)}. Not loaded.")
    stored = skops.loads(data, trusted=list(TRUSTED_TYPES))
    return _model(stored["scoring"]), _model(stored["twin"])


def _skops() -> Any:
    """Import skops when it is needed: that takes a second."""
    with warnings.catch_warnings():
        # It looks for every function of SciPy in every module that is loaded; Airflow's modules answer each time with a
        # warning, and a task's log would hold a thousand lines of that.
        warnings.simplefilter("ignore")
        return import_module("skops.io")


def _parts(model: StoredModel) -> dict[str, Any]:
    return {"kind": model.kind, **model.to_dict()}


def _model(parts: dict[str, Any]) -> StoredModel:
    module, name = MODEL_CLASSES[parts["kind"]].split(":")
    stored_class: type[StoredModel] = getattr(import_module(module), name)
    return stored_class.from_dict({key: value for key, value in parts.items() if key != "kind"})
