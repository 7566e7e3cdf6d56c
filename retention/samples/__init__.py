"""The sample company: a real grocer's year in three source systems, for the demo and for trying things out.

Purchases, coupons and mailings are real (Complete Journey: 2,469 households); people, consents, complaints, touches and what
else the data lack are simulated from a fixed seed and marked so. Dates are shifted once, by whole weeks; 28 days are held
back and released one at a time.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

from retention.deployment import Deployment
from retention.samples.timeline import SEED, Timeline
from retention.warehouse import RetentionError

__all__ = ["create", "describe", "release"]

VERSION = 1
"""Grows when the same size and day would give other rows; an older company is then made anew."""
SIZES = ("full", "small")


def _quiet(what: str, share: float) -> None:
    """Report progress to nobody."""


def create(home: Path, urls: Mapping[str, str], today: date, size: str = "full", progress: Any = _quiet) -> dict[str, Any]:
    """Make the sample company's source systems; a no-op when they are there already.

    Interrupted at any point, the next call starts what is missing again: each database is filled in one transaction, and
    the company counts as there when both and the exports are.

    Parameters
    ----------
    home : Path
        Folder of the installation; exports go to ``<home>/sample/service_desk``.
    urls : mapping
        ``CRM`` and ``SALES``: URLs of two PostgreSQL databases, empty or holding an earlier sample company.
    today : date
        The last released day is the last Sunday before it.
    size : str
        ``full``, or ``small`` for 150 households.
    progress : callable
        Is told what is being done and the share that is done.

    Returns
    -------
    State (``made`` or ``present``), size, shift in days, first, last released and last held day, rows by table and export.

    Raises
    ------
    SampleRefused when a database holds tables of somebody else.
    """
    if size not in SIZES:
        raise RetentionError(f"sample company: size {size!r} is not one of {', '.join(SIZES)}.", runbook="sample-company")
    from retention.samples import systems
    from retention.samples.company import make_company

    folder, stored = home / "sample", _read(home)
    # Shifted once: a company that was begun keeps its dates, however many days later it is finished or looked at.
    timeline = Timeline(int(stored["shift_days"])) if stored and stored["size"] == size else Timeline.ending(today)
    mark = f"sample company {VERSION}, {size}, shift {timeline.shift_days}, seed {SEED}"
    marks = {name: systems.database_mark(_url(urls, name)) for name in ("crm", "sales")}
    complete = stored is not None and stored.get("mark") == mark and stored.get("is_complete")
    if stored and complete and all(found == mark for found in marks.values()):
        return {**stored, "state": "present"}
    _write(home, {"mark": mark, "size": size, "shift_days": timeline.shift_days, "is_complete": False})
    company = make_company(timeline, size, progress)
    counts: dict[str, int] = {}
    progress("filling the CRM", 0.45)
    counts |= systems.load_database(_url(urls, "crm"), "crm", company.crm, mark)
    progress("filling the sales system", 0.55)
    counts |= systems.load_database(_url(urls, "sales"), "sales", company.sales, mark)
    progress("writing the service desk's exports", 0.92)
    for part in ("service_desk", "held"):
        shutil.rmtree(folder / part, ignore_errors=True)
    counts |= systems.write_exports(folder / "service_desk", folder / "held", company.service_desk, timeline)
    made = {
        "mark": mark,
        "size": size,
        "shift_days": timeline.shift_days,
        "first_day": timeline.first_day.isoformat(),
        "last_released": timeline.last_released.isoformat(),
        "last_held": timeline.last_day.isoformat(),
        "rows": counts,
        "is_complete": True,
    }
    _write(home, made)
    progress("sample company ready", 1.0)
    return {**made, "state": "made"}


def release(through: date, home: Path | None = None, urls: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Release all held-back days up to and including one; days that are out already stay as they are.

    Parameters
    ----------
    through : date
        Last day to release.
    home, urls : optional
        As for :func:`create`; default this installation's.

    Returns
    -------
    ``{"released": {day: rows and files}, "through": last day that is out, "left": days still held back}``.

    Raises
    ------
    RetentionError when there is no sample company.
    """
    from retention.samples import systems

    if home is None or urls is None:
        deployment = Deployment.from_env()
        home, urls = home or deployment.home, urls or deployment.source_urls
    stored = describe(home)
    timeline = Timeline(int(stored["shift_days"]))
    days = [day for day in timeline.held_days if day <= through]
    rows = {name: systems.release_database(_url(urls, name), name, days) for name in ("crm", "sales")}
    folder = home / "sample"
    files = systems.release_exports(folder / "service_desk", folder / "held", days)
    released = {
        day.isoformat(): {"crm": rows["crm"].get(day, 0), "sales": rows["sales"].get(day, 0), "files": files.get(day, 0)}
        for day in days
        if day in rows["crm"] or day in rows["sales"] or day in files
    }
    last = max([timeline.last_released, *days])
    return {"released": released, "through": last.isoformat(), "left": len(timeline.held_days) - len(days)}


def describe(home: Path) -> dict[str, Any]:
    """Return what is stored about the sample company of a home folder: size, shift, days, rows.

    Raises
    ------
    RetentionError when there is none, or it is not complete.
    """
    stored = _read(home)
    if stored is None or not stored.get("is_complete"):
        raise RetentionError(
            "there is no complete sample company here. Run `retention init --sample`.", runbook="sample-company"
        )
    return stored


def _url(urls: Mapping[str, str], name: str) -> str:
    url = urls.get(name.upper()) or urls.get(name)
    if not url:
        raise RetentionError(
            f"the sample company has no database for its {name} system. Set RETENTION_SOURCE_{name.upper()}_URL.",
            runbook="sample-company",
        )
    return url


def _read(home: Path) -> dict[str, Any] | None:
    path = home / "sample" / "company.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None


def _write(home: Path, stored: Mapping[str, Any]) -> None:
    path = home / "sample" / "company.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".part")
    partial.write_text(json.dumps(stored, indent=2, ensure_ascii=False), encoding="utf-8")
    partial.replace(path)
