"""The page: self-contained HTML, written whole or not at all."""

from __future__ import annotations

import os
from html import escape
from pathlib import Path

from retention.models.report import sections
from retention.models.report.data import ReportData
from retention.models.report.words import Numbers, both, word

STYLE = """
:root { color-scheme: light; }
body { font: 15px/1.5 system-ui, "Noto Sans", "Noto Sans CJK SC", "Microsoft YaHei", sans-serif; color: #1d2733;
  background: #f4f6f8; margin: 0; }
main { max-width: 1080px; margin: 0 auto; padding: 24px 20px 60px; }
h1 { font-size: 26px; margin: 8px 0 4px; } h2 { font-size: 21px; margin: 0 0 6px; } h3 { font-size: 16px; margin: 26px 0 2px; }
section, header { background: #fff; border: 1px solid #dde3e9; border-radius: 8px; padding: 20px 24px; margin: 18px 0; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; margin: 8px 0; }
th, td { text-align: left; vertical-align: top; padding: 5px 12px 5px 0; border-bottom: 1px solid #e7ebef; }
th { font-weight: 600; } td .quiet { white-space: nowrap; }
table.measures td { min-width: 96px; } td.ours { background: #eef5fc; padding-left: 8px; font-weight: 600; }
table.facts th { font-weight: 400; color: #51606f; padding-right: 24px; }
.wide { overflow-x: auto; } .quiet { color: #5b6875; font-size: 13px; font-weight: 400; margin: 0; }
.note { border-left: 4px solid #0b5cad; background: #eef5fc; padding: 8px 12px; margin: 10px 0; }
.note.warning { border-color: #b5540a; background: #fdf3e9; } .note.stop { border-color: #a3324e; background: #fbecf0; }
.charts { display: flex; flex-wrap: wrap; gap: 8px 28px; } .chart { max-width: 460px; } .chart.small { max-width: 310px; }
.caption { font-size: 13px; font-weight: 600; margin: 14px 0 2px; } .chart h3 { margin-top: 18px; }
svg { max-width: 100%; height: auto; } svg text { font-size: 11px; fill: #44515e; } svg text.axis { font-size: 12px; }
svg text.name { font-size: 12px; }
svg .grid { stroke: #e7ebef; } svg .ideal { stroke: #9aa6b2; stroke-dasharray: 3 3; }
.legend { font-size: 13px; margin: 2px 0 0; } .legend span { margin-right: 14px; white-space: nowrap; }
.legend svg { vertical-align: middle; }
nav a { margin-right: 16px; }
@media print { body { background: #fff; } section, header { border: 0; break-inside: avoid-page; } }
"""


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
    numbers = Numbers(data.currency, data.minor_per_major)
    links = "".join(f'<a href="#{escape(chapter.kind)}">{both(word("kind", chapter.kind))}</a>' for chapter in data.chapters)
    chapters = "".join(sections.chapter(chapter, numbers) for chapter in data.chapters)
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(data.title.en)} {data.as_of_date.isoformat()}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n"
        f"<main>\n<header><h1>{both(data.title)}</h1>{sections.notes(data.notes)}{sections.facts(data.facts)}"
        f"<nav>{links}</nav></header>\n"
        f"{chapters}\n</main>\n</body>\n</html>\n"
    )
