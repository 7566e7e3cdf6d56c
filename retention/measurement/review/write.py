"""The review on paper: HTML and Markdown, in English and Chinese."""

from __future__ import annotations

import base64
import hashlib
import os
import re
from collections.abc import Mapping
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any

import jinja2
import sqlalchemy as sa

from retention.measurement.review.build import WINDOW_DAYS, Review, Reviewed
from retention.measurement.review.compare import REVIEWED, Kind
from retention.settings import PROJECT_ROOT
from retention.warehouse import load_contract
from retention.yaml_text import load_yaml

LANGUAGES = ("en", "zh")
_TEMPLATES = Path(__file__).parent / "templates"
_WORDS = PROJECT_ROOT / "include" / "review" / "words.yml"
_GROUP_LABELS = {"tier": "service_tier", "stage": "lifecycle_stage", "segment": "rfm_segment"}


def write_review(review: Review, folder: Path) -> list[Path]:
    """Write ``<as_of_date>.<language>.html`` and ``.md`` for each language; each is there whole or not at all.

    Returns
    -------
    The files written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for language in LANGUAGES:
        page = _Page(review, language)
        for kind in ("html", "md"):
            path = folder / f"{review.run.as_of_date}.{language}.{kind}"
            partial = path.with_name(f".{path.name}.{os.getpid()}")
            partial.write_text(page.render(kind), encoding="utf-8")
            partial.replace(path)
            written.append(path)
    return written


class _Page:
    """The review in one language."""

    def __init__(self, review: Review, language: str) -> None:
        self._review = review
        self._language = language
        self._labels = _labels(review)
        self._company = review.run.settings.company
        dictionary = load_contract("bi.kpi_value").column("kpi").extra["values"]
        self._kpis = {kpi: text["label" if language == "en" else "label_zh"] for kpi, text in dictionary.items()}

    def render(self, kind: str) -> str:
        review = self._review
        last = review.run.business_date
        return _environment().get_template(f"review.{kind}.jinja").render(
            language=self._language,
            word=self._word,
            first=last - timedelta(days=WINDOW_DAYS - 1),
            last=last,
            flagged=[self._row(row) for row in review.flagged],
            rows=[self._row(row) for row in review.rows],
            causes=review.causes,
            smallest=review.run.settings.keep.suppressed_group_size,
        )  # fmt: skip

    def _word(self, key: str, **values: object) -> str:
        return _words()[key][self._language].format(**values)

    def _row(self, row: Reviewed) -> dict[str, Any]:
        finding = row.finding
        now = finding.now
        join = ", " if self._language == "en" else "、"
        marks = [self._word(mark) for mark, is_so in (("behind", finding.is_behind), ("falling", finding.is_falling)) if is_so]
        return {
            "group": f"{self._word(now.dimension)}: {self._member(now.dimension, now.member)}",
            "kpi": self._kpis[now.kpi],
            "value": _figure(now.kpi, now.value),
            "others": _figure(now.kpi, finding.others),
            "before": "–" if finding.before is None else _figure(now.kpi, finding.before),
            "customers": f"{now.customers:,}",
            "marks": join.join(marks),
            "plays": join.join(self._play(play) for play in row.plays) or self._word("nobody"),
            "advice": self._advice(row),
        }

    def _advice(self, row: Reviewed) -> str:
        advice = row.advice
        if advice is None:
            return ""
        return self._word(
            advice.code,
            play=self._play(advice.play) if advice.play else "",
            difference=self._money(advice.difference_minor),
            detectable=self._money(advice.detectable_minor),
        )

    def _money(self, minor: float | None) -> str:
        if minor is None:
            return self._word("unknown")
        digits = self._company.base_currency_minor_digits
        return f"{abs(minor) / 10**digits:,.{digits}f} {self._company.base_currency}"

    def _play(self, play: str) -> str:
        return self._review.play_names.get(play, {}).get(self._language, play)

    def _member(self, dimension: str, member: str) -> str:
        return self._labels.get((_GROUP_LABELS.get(dimension, dimension), member), {}).get(self._language, member)


def _figure(kpi: str, value: float) -> str:
    return f"{value:+.0f}" if REVIEWED[kpi][0] is Kind.NPS else f"{value:.1%}"


def _labels(review: Review) -> dict[tuple[str, str], Mapping[str, str]]:
    with review.run.warehouse.connect() as connection:
        rows = connection.execute(sa.text("select label_group, label, label_en, label_zh from segments.label")).all()
    labels: dict[tuple[str, str], Mapping[str, str]] = {
        (row.label_group, row.label): {"en": row.label_en, "zh": row.label_zh} for row in rows
    }
    for level in review.run.settings.membership.levels:
        labels["membership", level.name] = {"en": level.name, "zh": level.name_zh}
    return labels


@cache
def _words() -> dict[str, dict[str, str]]:
    words: dict[str, dict[str, str]] = load_yaml(_WORDS.read_text(encoding="utf-8"))
    return words


def _plain(text: object) -> str:
    """Keep text from becoming markup: whatever a source calls a region or a cause is shown, never obeyed."""
    return re.sub(r"([\\`*_\[\]<>|#!&])", r"\\\1", str(text).replace("\n", " "))


@cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_TEMPLATES),
        autoescape=jinja2.select_autoescape(enabled_extensions=("html.jinja",), default=False),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    style = (_TEMPLATES / "style.css").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    environment.globals["style"] = style
    environment.globals["policy"] = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    environment.filters["md"] = _plain
    return environment
