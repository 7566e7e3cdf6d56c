"""Validation as pages to read: one per day, one per batch; counts and words in English and Chinese, never a value of a row.

They are written from ``ops.check_result``, where the verdicts of Great Expectations are kept, as plain files without scripts
that open from disk: ``<home>/validation/index.html``.
"""

from __future__ import annotations

import base64
import hashlib
import logging
import os
import re
import shutil
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import jinja2
import sqlalchemy as sa

from retention.quality.words import RULES_ZH, SEVERITIES_ZH, STATES_ZH
from retention.warehouse import RetentionError, Run, Warehouse, sql_file, statement

TEMPLATES = Path(__file__).parent / "templates"
HISTORY_BATCHES = 30
KEPT_DAYS = 90
_LOG = logging.getLogger(__name__)


def write_pages(run: Run, folder: Path) -> Path | None:
    """Write the pages of the run's business day and the index of all days; a full disk costs the pages, not the day.

    Parameters
    ----------
    run : Run
        Gives warehouse and business day.
    folder : Path
        Where the pages lie, e.g. ``<home>/validation``.

    Returns
    -------
    The day's page; None when it could not be written (the log says why).
    """
    try:
        return build_pages(run.warehouse, run.business_date, folder)
    except (OSError, RetentionError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        _LOG.warning("validation pages of %s were not written: %s", run.business_date, reason)
        return None


def build_pages(warehouse: Warehouse, day: date, folder: Path) -> Path:
    """Write the pages of one business day and the index of all days, each file whole or not at all.

    Returns
    -------
    The day's page.
    """
    batches = _batches(warehouse, day)
    place = folder / day.isoformat()
    place.mkdir(parents=True, exist_ok=True)
    common = {"day": day, "states": STATES_ZH, "severities": SEVERITIES_ZH, "rules_zh": RULES_ZH}
    for batch in batches:
        _write(place / batch["page"], "batch.html.j2", {**common, "batch": batch})
    _write(place / "index.html", "day.html.j2", {**common, "batches": batches, "stopped": _stopped(warehouse, day)})
    _forget_old(folder, day)
    days = sorted((path.name for path in folder.iterdir() if (path / "index.html").is_file()), reverse=True)
    _write(folder / "index.html", "index.html.j2", {**common, "days": days})
    return place / "index.html"


def _batches(warehouse: Warehouse, day: date) -> list[dict[str, Any]]:
    """Return the batches of a day with everything that their pages show."""
    binds = {"business_date": day, "batches": HISTORY_BATCHES}
    results, refused = (_grouped(_ask(warehouse, name, binds)) for name in ("validation_results", "validation_refused"))
    history: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for row in _ask(warehouse, "validation_history", binds):
        history.setdefault((row["source"], row["entity"]), []).append(row)
    batches = []
    for row in _ask(warehouse, "validation_batches", binds):
        checks = results.get(row["batch_id"], [])
        past = history.get((row["source"], row["entity"]), [])
        batches.append(
            {
                **row,
                "page": _file_name(row),
                "checks": sorted(checks, key=lambda c: (c["passed"], c["column_name"] or "", c["rule"])),
                "verdict": _verdict(row["state"], checks),
                "warnings": sum(not c["passed"] and c["severity"] == "warn" for c in checks),
                "refused": refused.get(row["batch_id"], []),
                "delivered_line": sparkline([int(h["rows_extracted"]) for h in past]),
                "refused_line": sparkline([int(h["rows_quarantined"]) for h in past]),
                "past": len(past),
            }
        )
    return batches


def _verdict(state: str, checks: Sequence[Mapping[str, Any]]) -> str:
    if any(not c["passed"] and c["severity"] == "fail" for c in checks):
        return "stopped"
    return "waiting" if state == "landed" else "passed"


def _stopped(warehouse: Warehouse, day: date) -> str | None:
    """Return why the newest validation of the day stopped; messages of the ledger hold counts and rules only."""
    with warehouse.connect() as connection:
        row = connection.execute(
            sa.text(
                "select state, message from ops.run_ledger where dataset = 'validation' and slice_key = :day "
                "order by ledger_id desc limit 1"
            ),
            {"day": day.isoformat()},
        ).one_or_none()
    return None if row is None or row.state != "failed" else str(row.message)


def _ask(warehouse: Warehouse, name: str, binds: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    with warehouse.connect() as connection:
        return [dict(row) for row in connection.execute(*statement(sql_file(f"_report/{name}"), binds)).mappings()]


def _grouped(rows: Sequence[Mapping[str, Any]]) -> dict[int, list[Mapping[str, Any]]]:
    found: dict[int, list[Mapping[str, Any]]] = {}
    for row in rows:
        found.setdefault(row["batch_id"], []).append(row)
    return found


def _file_name(batch: Mapping[str, Any]) -> str:
    return re.sub(r"[^A-Za-z0-9_-]+", "_", f"{batch['source']}-{batch['entity']}-{batch['batch_id']}") + ".html"


def sparkline(values: Sequence[int], width: int = 160, height: int = 28) -> str:
    """Return the points of a line through a few numbers, for ``<polyline points="…">``; empty for fewer than two."""
    if len(values) < 2:
        return ""
    top = max(values) or 1
    step = (width - 4) / (len(values) - 1)
    return " ".join(f"{2 + n * step:.1f},{height - 2 - value / top * (height - 4):.1f}" for n, value in enumerate(values))


@cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES), autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True
    )
    style = (TEMPLATES / "style.css").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    environment.globals["style"] = style
    # Nothing runs, nothing is fetched, nothing is sent; of styles only the one above, known by its hash.
    environment.globals["policy"] = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    environment.filters["count"] = lambda number: "" if number is None else f"{number:,}"
    environment.filters["figure"] = lambda number: "" if number is None else f"{float(number):,.4g}"
    return environment


def _write(path: Path, template: str, values: Mapping[str, Any]) -> None:
    text = _environment().get_template(template).render(values)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        temporary.write_text(text, encoding="utf-8")
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def _forget_old(folder: Path, day: date) -> None:
    """Remove the pages of days long past, so that they do not grow for ever."""
    for path in folder.iterdir():
        if re.fullmatch(r"\d{4}-\d\d-\d\d", path.name) and date.fromisoformat(path.name) < day - timedelta(days=KEPT_DAYS):
            shutil.rmtree(path, ignore_errors=True)
