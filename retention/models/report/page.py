"""The page: self-contained HTML, written whole or not at all."""

from __future__ import annotations

import os
from html import escape
from pathlib import Path

from retention.models.report.data import Chapter, ReportData


def write_report(path: Path, data: ReportData) -> Path:
    """Write a report.

    Parameters
    ----------
    path : file to write; its folder is made.

    Returns
    -------
    The same path. Equal data give equal bytes.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    partial.write_text(html(data), encoding="utf-8")
    partial.replace(path)
    return path


def html(data: ReportData) -> str:
    """The page as text."""
    facts = "".join(
        f"<tr><th>{escape(f.label.en)} {escape(f.label.zh)}</th><td>{escape(f.value)}</td></tr>" for f in data.facts
    )
    notes = "".join(f"<p>{escape(note.text.en)} {escape(note.text.zh)}</p>" for note in data.notes)
    chapters = "".join(_chapter(chapter) for chapter in data.chapters)
    return (
        f"<!doctype html><html lang='en'><meta charset='utf-8'><title>{escape(data.title.en)}</title>"
        f"<h1>{escape(data.title.en)}</h1>{notes}<table>{facts}</table>{chapters}</html>\n"
    )


def _chapter(chapter: Chapter) -> str:
    rows = ""
    if chapter.evaluation:
        for candidate, metrics in chapter.evaluation.measured.items():
            for metric, measured in metrics.items():
                value = "undefined" if measured.value is None else f"{measured.value:.4g}"
                rows += f"<tr><td>{escape(candidate)}</td><td>{escape(metric)}</td><td>{value}</td></tr>"
    return f"<h2>{escape(chapter.kind)}</h2><p>{escape(chapter.decision)}</p><table>{rows}</table>"
