"""Reports: what the diagrams show, one page that needs nothing beside itself, chapters kept with the model."""

from __future__ import annotations

import re
from datetime import date
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from retention import models
from retention.models import registry
from retention.models.metrics import CHURN_METRICS, VALUE_METRICS, measure
from retention.models.report import (
    Chapter,
    Drift,
    Effect,
    Evaluation,
    Fact,
    Importance,
    Matured,
    Note,
    ReportData,
    Table,
    Text,
    shapes,
    write_report,
)
from retention.models.report.shapes import wilson
from retention.models.report.stored import chapter_from_json, to_json
from retention.models.report.words import Numbers, meaning, word
from retention.models.training import reporting
from retention.warehouse import Run

RNG = np.random.default_rng(7)
TRUTH = RNG.uniform(0.05, 0.95, 1_000)
GONE = (RNG.random(1_000) < TRUTH).astype(float)
BASELINE = np.round(0.5 * TRUTH + 0.2, 1)


def chapter() -> Chapter:
    candidates = {"challenger": TRUTH, "recency_only": BASELINE}
    measured = measure(CHURN_METRICS, GONE, candidates, seed=1)
    return Chapter(
        "churn",
        "churn-20260401-abc",
        "promoted: out of time Brier 0.1",
        facts=(Fact(Text("Horizon", "预测期"), "90 d"),),
        notes=(Note(Text("Short <history>", "历史较短"), "warning"),),
        evaluation=Evaluation(date(2026, 1, 1), 90, 1_000, measured, shapes(GONE, candidates)),
        importances=(Importance("recency_days", Text("time since the last order", "距上次下单"), 0.8),),
        effects=(Effect("net_minor_90d", Text("spend", "消费"), (0.0, 500_000.0), (0.8, 0.3)),),
        drift=(Drift("recency_days", 0.31, 0.0, 0.02, "warn"), Drift("score", None, 0.0, 0.0, "ok")),
        matured=(Matured(date(2025, 9, 1), 900, 0.71, 0.70, 0.67, 0.73),),
        tables=(Table(Text("Hit rates", "命中率"), (Text("at", "前"), Text("rate", "比率")), (("1", "12 %"),)),),
    )


def page(tmp_path: Path, *chapters: Chapter, currency: str = "CNY") -> str:
    data = ReportData(Text("Training report", "模型训练报告"), date(2026, 4, 1), currency, chapters=chapters)
    return write_report(tmp_path / "deep" / "report.html", data).read_text(encoding="utf-8")


class Elements(HTMLParser):
    """Checks that what is opened is closed, and gathers addresses."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.addresses: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.addresses += [str(value) for name, value in attrs if name in ("src", "href", "xlink:href")]
        if tag not in ("meta", "br"):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """A tag closed at once."""

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_page_is_whole_and_fetches_nothing(tmp_path: Path) -> None:
    text = page(tmp_path, chapter())
    elements = Elements()
    elements.feed(text)
    assert elements.open == []
    assert elements.addresses == ["#churn"]
    assert "<script" not in text
    assert "url(" not in text
    assert not re.search(r"\b(nan|inf|None)\b", re.sub(r"<style>.*?</style>", "", text, flags=re.DOTALL))
    assert text.count("<svg") > 5
    assert "Short &lt;history&gt;" in text
    for expected in (
        "Reliability",
        "可靠性图",
        "Gains",
        "Decile table",
        "十分位表",
        "Recency only",
        "仅看近度",
        "命中率",
        "0.310",
    ):
        assert expected in text


def test_equal_data_give_equal_bytes(tmp_path: Path) -> None:
    assert page(tmp_path, chapter()) == page(tmp_path, chapter())
    assert not list((tmp_path / "deep").glob(".*"))


def test_a_chapter_comes_back_from_the_registry_as_it_was() -> None:
    import json

    assert chapter_from_json(json.loads(json.dumps(to_json(chapter())))) == chapter()


def test_money_is_shown_in_major_units_and_without_a_code_where_there_is_none(tmp_path: Path) -> None:
    spent = RNG.gamma(1, 5_000, 300)
    candidates = {"model": spent * 0.9, "past_spend": spent * 2}
    measured = measure(VALUE_METRICS, spent, candidates, 1, {"model": (spent * 0.5, spent * 1.5)})
    found = Evaluation(date(2026, 1, 1), 90, 300, measured, shapes(spent, candidates))
    value = Chapter("clv", "", is_money=True, is_fallback=True, evaluation=found)
    text = page(tmp_path, value, currency="")
    assert f"{measured['model']['mae'].value / 100:,.2f}" in text
    assert "100.0%" in text  # the coverage of so wide an interval
    assert "rule of thumb" in text
    assert " CNY" not in text


def test_everybody_equal_and_nobody_at_all_can_be_shown(tmp_path: Path) -> None:
    same = {"challenger": np.full(50, 0.5), "recency_only": np.full(50, 0.5)}
    nobody = np.zeros(50)
    found = Evaluation(date(2026, 1, 1), 90, 50, measure(CHURN_METRICS, nobody, same, 1), shapes(nobody, same))
    text = page(tmp_path, Chapter("churn", "x", evaluation=found), Chapter("clv", "", notes=(Note(Text("none", "无")),)))
    assert "undefined" in text
    assert "nan" not in text
    assert shapes(np.empty(0), {"challenger": np.empty(0)}) == ()


def test_deciles_and_gains_by_hand() -> None:
    actual = np.r_[np.ones(10), np.zeros(30)]
    (shape,) = shapes(actual, {"challenger": np.linspace(1, 0, 40)})
    assert [band.customers for band in shape.deciles] == [4] * 10
    assert [band.actual for band in shape.deciles[:4]] == [1.0, 1.0, 0.5, 0.0]
    assert shape.gains[5] == pytest.approx(1.0)  # the first quarter holds all
    assert shape.gains[0] == 0.0
    predicted = [band.predicted for band in shape.reliability]
    assert predicted == sorted(predicted)


def test_customers_with_equal_predictions_share_their_place() -> None:
    actual, tied = np.r_[np.ones(20), np.zeros(20)], np.full(40, 0.5)
    (first,) = shapes(actual, {"challenger": tied})
    (second,) = shapes(actual[::-1], {"challenger": tied})
    assert [band.actual for band in first.deciles] == [0.5] * 10
    assert first.gains == second.gains == pytest.approx(np.linspace(0, 1, 21))


def test_wilson_by_hand() -> None:
    assert wilson(0.0, 10) == pytest.approx((0.0, 0.2775), abs=1e-4)
    assert wilson(0.5, 100) == pytest.approx((0.4038, 0.5962), abs=1e-4)


def test_every_metric_candidate_and_kind_has_words_in_both_languages() -> None:
    habits = ("category_share", "order_channel_share", "hour_share", "weekday_share", "response_brier")
    proposals = [f"{level}_hit_rate_at_{k}" for level in ("category", "product") for k in (1, 3, 5)]
    for metric in (*CHURN_METRICS, *VALUE_METRICS, "interval_coverage", *habits, *proposals, "silhouette", "stability"):
        assert word("metric", metric).zh, metric
        assert meaning("metric", metric).en, metric
        assert meaning("metric", metric).zh, metric
    baselines = ("popularity", "repeat_last", "company_habit", "own_habit", "stated_prior", "rate_of_the_past", "terms_only")
    for candidate in ("challenger", "model", "champion", "recency_only", "past_spend", "bg_nbd", *baselines):
        assert word("candidate", candidate).zh, candidate
    for kind in ("churn", "clv", "repurchase", "renewal", "persona", "preference", "association", "next_best", "text"):
        assert word("kind", kind).zh, kind


def test_every_training_run_writes_its_report(trained_run: Run, trained: dict[str, Any], home: Path) -> None:
    path = reporting.report_path(trained_run.as_of_date)
    first = path.read_bytes() if path.exists() else None
    assert reporting.write_training_report(trained_run, trained) == path
    assert first in (None, path.read_bytes())
    assert path == home / "reports" / "training" / f"{trained_run.as_of_date}.html"
    text = path.read_text(encoding="utf-8")
    for model in models.models(trained_run.warehouse):
        assert model.model_version in text
        stored = registry.chapter(trained_run.warehouse, model.model_version)
        assert stored is not None
        assert stored.decision == model.decision
        if model.kind in ("churn", "clv"):
            assert {shape.candidate for shape in stored.evaluation.shapes} >= {"challenger", "recency_only", "past_spend"}
            assert stored.importances
            assert stored.effects
    assert registry.chapter(trained_run.warehouse, "churn-x") is None


@pytest.mark.parametrize(
    ("minor", "said", "on_axis"),
    [
        (0.0, "0", "0"),
        (3e-3, "0.00003", "0.00003"),
        (5.0, "0.05", "0.05"),
        (1_234.0, "12.34", "12.3"),
        (1e9, "10,000,000", "10,000,000"),
    ],
)
def test_small_money_keeps_the_figures_that_say_something(minor: float, said: str, on_axis: str) -> None:
    numbers = Numbers("", 100)
    assert (numbers.money(minor), numbers.money_on_axis(minor)) == (said, on_axis)
