"""The model registry in `ops.model`: which models exist, which one scores, and why."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from retention.models.report.data import Chapter, Evaluation
from retention.models.report.stored import chapter_from_json, to_json
from retention.warehouse import RetentionError, Run, Warehouse, lease


class UnknownModel(RetentionError):
    """The registry has no such model, or nothing to roll back to."""

    runbook = "unknown-model"


@dataclass(frozen=True)
class RegisteredModel:
    """One row of the registry.

    `chapter` is what training has to show of it in its report; a model read from the registry has none.
    """

    model_version: str
    kind: str
    state: str
    as_of_date: date
    labels_until: date
    definition: str
    horizon_days: int
    file_name: str
    file_sha256: str
    training_rows: int
    details: dict[str, Any]
    profile: dict[str, Any]
    decision: str
    chapter: Chapter | None = field(default=None, compare=False, repr=False)


# Kinds that are a formula with settings and hit rates: there is nothing else that could take their place.
_FORMULAS = ("next_best", "association", "preference")
# How the decision on a champion that was brought back begins, and how that on the one it replaced goes on.
_ROLLED_BACK = "rolled back: "
_COLUMNS = (
    "model_version, kind, state, as_of_date, labels_until, definition, horizon_days, file_name, file_sha256, "
    "training_rows, details, profile, decision"
)


def champion(warehouse: Warehouse, kind: str, definition: str | None = None) -> RegisteredModel | None:
    """The model that scores, or None.

    Parameters
    ----------
    definition : when given, a champion for anything else (another horizon, say) does not count.
    """
    found = _one(warehouse, f"select {_COLUMNS} from ops.model where kind = :kind and state = 'champion'", kind=kind)
    return found if found and definition in (None, found.definition) else None


def find(warehouse: Warehouse, model_version: str) -> RegisteredModel | None:
    """One model by version, or None."""
    return _one(warehouse, f"select {_COLUMNS} from ops.model where model_version = :version", version=model_version)


def chapter(warehouse: Warehouse, model_version: str) -> Chapter | None:
    """A model's chapter of the training report, or None for an unknown model and for one that has none."""
    with warehouse.connect() as connection:
        found = connection.execute(
            sa.text("select report from ops.model where model_version = :version"), {"version": model_version}
        ).scalar()
    return chapter_from_json(found) if found else None


def models(warehouse: Warehouse, kind: str | None = None) -> list[RegisteredModel]:
    """All registered models, newest first."""
    statement = sa.text(
        f"select {_COLUMNS} from ops.model where cast(:kind as text) is null or kind = :kind "
        "order by created_at desc, model_version"
    )
    with warehouse.connect() as connection:
        return [RegisteredModel(**row) for row in connection.execute(statement, {"kind": kind}).mappings()]


def register(run: Run, model: RegisteredModel, evaluation: Evaluation) -> RegisteredModel:
    """Write a trained model with its measurements; where its state is champion, retire the one before.

    One fenced transaction: the registry never shows a model without measurements, nor two champions. A version that is
    there already (a retry) is left as it is.
    """
    with lease(run, "models", model.kind) as held, held.publishing() as connection:
        if _exists(connection, model.model_version):
            return model
        if model.state == "champion":
            _retire(connection, model.kind, f"replaced by {model.model_version}")
        connection.execute(
            sa.text(
                f"insert into ops.model ({_COLUMNS}, report, run_id, promoted_at) values (:model_version, :kind, :state, "
                ":as_of_date, :labels_until, :definition, :horizon_days, :file_name, :file_sha256, :training_rows, "
                "cast(:details as jsonb), cast(:profile as jsonb), :decision, cast(:report as jsonb), :run_id, "
                "case when :state = 'champion' then clock_timestamp() end)"
            ),
            {
                **{name: getattr(model, name) for name in _COLUMNS.split(", ")},
                "details": json.dumps(model.details, allow_nan=False),
                "profile": json.dumps(model.profile, allow_nan=False),
                "report": json.dumps(to_json(model.chapter), allow_nan=False) if model.chapter else None,
                "run_id": run.attempt.run_id,
            },
        )
        rows = [
            {
                "model_version": model.model_version, "candidate": candidate, "metric": metric, "kind": model.kind,
                "evaluated_as_of": evaluation.as_of, "horizon_days": evaluation.horizon_days,
                "customers": evaluation.customers, "metric_value": measured.value, "metric_lower": measured.lower,
                "metric_upper": measured.upper,
            }
            for candidate, metrics in evaluation.measured.items()
            for metric, measured in metrics.items()
        ]  # fmt: skip
        names = ", ".join(rows[0])
        binds = ", ".join(f":{name}" for name in rows[0])
        connection.execute(sa.text(f"insert into ops.model_evaluation ({names}) values ({binds})"), rows)
        held.record(connection, "ops.model", 1)
        held.record(connection, "ops.model_evaluation", len(rows))
    return model


def promote(run: Run, model_version: str, reason: str) -> RegisteredModel:
    """Make a registered model the champion, by decision of a person.

    Raises
    ------
    UnknownModel when the registry has no such version.
    """
    model = find(run.warehouse, model_version)
    if model is None:
        raise UnknownModel(f"no model {model_version} in ops.model. Nothing changed.")
    with lease(run, "models", model.kind) as held, held.publishing() as connection:
        _make_champion(connection, model, reason)
        held.record(connection, "ops.model", 1)
    return model


def rollback(run: Run, kind: str, reason: str, to_fallback: bool = False) -> RegisteredModel | None:
    """Bring back the champion before the present one: a pointer moves, nothing is retrained.

    A model that was rolled back itself is not brought back by going back once more; `promote` does that, by name.

    Parameters
    ----------
    to_fallback : let no model score any more but the marked rule of thumb, as before the first champion.

    Returns
    -------
    The model that scores now; None with `to_fallback`.

    Raises
    ------
    UnknownModel when there was no other champion before, or, with `to_fallback`, no model scores or the kind is a formula,
    which goes on scoring in any case.
    """
    if to_fallback and kind in _FORMULAS:
        raise UnknownModel(
            f"{kind} is a formula with measured hit rates, and nothing stands in for it. Nothing changed. How it scores is "
            "said by settings.associations and settings.preferences."
        )
    with lease(run, "models", kind) as held, held.publishing() as connection:
        if to_fallback:
            if not _retire(connection, kind, f"replaced by the marked fallback: {_ROLLED_BACK}{reason}"):
                raise UnknownModel(f"no model of kind {kind} scores: the marked fallback does already. Nothing changed.")
            held.record(connection, "ops.model", 1)
            return None
        row = connection.execute(
            sa.text(
                f"select {_COLUMNS} from ops.model where kind = :kind and state = 'retired' "
                f"and decision not like '%: {_ROLLED_BACK}%' order by retired_at desc, model_version limit 1"
            ),
            {"kind": kind},
        ).mappings().first()  # fmt: skip
        if row is None:
            raise UnknownModel(
                f"no earlier champion of kind {kind} to roll back to. Nothing changed. --to-fallback lets the marked rule of "
                "thumb score instead."
            )
        model = RegisteredModel(**row)
        _make_champion(connection, model, f"{_ROLLED_BACK}{reason}")
        held.record(connection, "ops.model", 1)
    return model


def _make_champion(connection: Connection, model: RegisteredModel, reason: str) -> None:
    if model.state == "champion":
        return
    _retire(connection, model.kind, f"replaced by {model.model_version}: {reason}")
    connection.execute(
        sa.text(
            "update ops.model set state = 'champion', promoted_at = clock_timestamp(), retired_at = null, "
            "decision = :reason where model_version = :version"
        ),
        {"reason": reason, "version": model.model_version},
    )


def _exists(connection: Connection, model_version: str) -> bool:
    found = connection.execute(sa.text("select 1 from ops.model where model_version = :version"), {"version": model_version})
    return found.scalar() is not None


def _retire(connection: Connection, kind: str, reason: str) -> bool:
    """Retire the champion; False where there was none."""
    done = connection.execute(
        sa.text(
            "update ops.model set state = 'retired', retired_at = clock_timestamp(), decision = :reason "
            "where kind = :kind and state = 'champion'"
        ),
        {"kind": kind, "reason": reason},
    )
    return done.rowcount > 0


def _one(warehouse: Warehouse, statement: str, **params: Any) -> RegisteredModel | None:
    with warehouse.connect() as connection:
        row = connection.execute(sa.text(statement), params).mappings().first()
    return None if row is None else RegisteredModel(**row)
