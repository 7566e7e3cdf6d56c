"""A wrong play file is seen where DAGs are looked at, and stops nothing."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest

DAGS = Path(__file__).resolve().parents[2] / "dags"
TYPO = """play: spring_sale
name: {en: Spring sale, zh: 春季促销}
description: A coupon in spring for everybody.
kind: promotional
purpose: marketing
audience: {attribute: churn_probabilty, at_least: 0.5}
channels: [email]
cost_per_touch: {email: 0.01}
offer:
  - {code: spring, kind: coupon, amount: 5, label: {en: a coupon, zh: 优惠券}}
content_key: spring
language: customer
period: once
priority: 10
holdout_share: 0.1
valid_days: 7
"""


@pytest.fixture
def own_plays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "plays"
    folder.mkdir()
    monkeypatch.setenv("RETENTION_PLAYS_DIR", str(folder))
    monkeypatch.setenv("RETENTION_HOME", str(tmp_path / "home"))
    return folder


def parsed() -> Any:
    from airflow.dag_processing.dagbag import DagBag

    bag = DagBag(dag_folder=str(DAGS / "retention_audience.py"))
    assert bag.import_errors == {}
    return bag.dags["retention_audience"]


def test_a_typo_is_named_with_file_line_and_suggestion_and_the_dag_goes_on(own_plays: Path) -> None:
    (own_plays / "spring_sale.yml").write_text(TYPO, encoding="utf-8")
    dag = parsed()
    assert "wrong plays" in dag.tags
    section = dag.doc_md.partition("## Wrong play files")[2]
    assert "spring_sale.yml:6: " in section
    assert "churn_probability" in section, "the nearest attribute"
    assert len(dag.tasks) == 7
    (own_plays / "spring_sale.yml").write_text(TYPO.replace("probabilty", "probability"), encoding="utf-8")
    assert "Wrong play files" not in parsed().doc_md, "repaired, the warning is gone with the next reading"


def test_files_are_checked_once_as_long_as_none_changes(own_plays: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from retention_airflow import plays

    checks: list[object] = []
    run = subprocess.run

    def counted(*arguments: Any, **options: Any) -> Any:
        checks.append(arguments)
        return run(*arguments, **options)

    monkeypatch.setattr(subprocess, "run", counted)
    assert plays.wrong_plays() == []
    assert plays.wrong_plays() == []
    assert len(checks) == 1


def test_a_check_that_cannot_run_says_so_and_breaks_nothing(own_plays: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from retention_airflow import plays

    def hangs(*_: Any, **__: Any) -> Any:
        raise subprocess.TimeoutExpired("python", 30)

    monkeypatch.setattr(subprocess, "run", hangs)
    (problem,) = plays.wrong_plays()
    assert "retention play check" in problem
