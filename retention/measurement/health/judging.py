"""From what was found to a verdict and a sentence."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from retention.measurement.health.catalogue import Check, shown
from retention.settings import Settings

OK, WARN, BREACH, NOT_MEASURED = "ok", "warn", "breach", "not_measured"


@dataclass(frozen=True)
class Finding:
    """One check of one subject: a row of ``bi.health_check``, but for the times."""

    check: Check
    subject: str
    value: float | None
    objective: float | None
    state: str
    sentence_en: str
    sentence_zh: str


def state_of(value: float | None, objective: float | None, *, is_at_least: bool, warn_share: float) -> str:
    """Return the state of a value beside its objective.

    Parameters
    ----------
    value, objective : float or None
        In the same unit; without either nothing was measured.
    is_at_least : bool
        The value is a share that is to be at least the objective; else any number that is to be at most.
    warn_share : float
        From this share of the way to the limit on it is close: 0.8 of a limit of 10 hours is 8; of a share of at least 0.5,
        below 0.6.
    """
    if value is None or objective is None:
        return NOT_MEASURED
    if is_at_least:
        if value < objective:
            return BREACH
        return WARN if value < objective + (1 - warn_share) * (1 - objective) else OK
    if value > objective:
        return BREACH
    return WARN if objective > 0 and value > warn_share * objective else OK


def judge(check: Check, row: Mapping[str, Any], settings: Settings) -> Finding:
    """Return the verdict on one row of a check's query."""
    value = _finite(row["value"])
    objective = _finite(row["objective"])
    state = state_of(value, objective, is_at_least=check.is_at_least, warn_share=settings.health.warn_share)
    subject = str(row["subject"])
    return Finding(
        check,
        subject,
        value,
        objective,
        state,
        *(_sentence(check, language, state, subject, value, objective, row["parts"], settings) for language in ("en", "zh")),
    )


def _finite(value: Any) -> float | None:
    return float(value) if value is not None and math.isfinite(value) else None


def _sentence(
    check: Check,
    language: str,
    state: str,
    subject: str,
    value: float | None,
    objective: float | None,
    parts: Mapping[str, Any],
    settings: Settings,
) -> str:
    template = getattr(check, f"sentence_{language}")
    if state == NOT_MEASURED:
        template = getattr(check, f"unmeasured_{language}")
    elif state == OK:
        template = getattr(check, f"well_{language}") or template
    company, digits = settings.company, settings.company.base_currency_minor_digits
    values = _Parts({name: _part(name, part, digits, company.base_currency) for name, part in parts.items()})
    values.update(
        subject=subject,
        label=getattr(check, f"label_{language}"),
        value=shown(value, check.unit, language, digits, company.base_currency),
        objective=shown(objective, check.unit, language, digits, company.base_currency),
    )
    return str(template.format_map(values))


class _Parts(dict[str, str]):
    def __missing__(self, key: str) -> str:
        return "–"


def _part(name: str, value: Any, minor_digits: int, currency: str) -> str:
    if value is None:
        return "–"
    if name.endswith("_minor"):
        return shown(float(value), "minor", "en", minor_digits, currency)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:,.3g}"
