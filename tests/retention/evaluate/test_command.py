"""The command as a stranger meets it: three files and a table, or a message that says what to do."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

from retention.cli import app


@pytest.fixture
def orders(tmp_path: Path) -> Path:
    # Ana comes back every month, Bo came once.
    rows = [("ana", f"2026-0{month}-05", 10.0) for month in range(1, 6)] + [("bo", "2026-02-01", 8.0)]
    pd.DataFrame(rows, columns=["Kunde", "Datum", "Summe"]).to_csv(tmp_path / "orders.csv", index=False)
    return tmp_path / "orders.csv"


def test_three_files_and_what_was_assumed(orders: Path, tmp_path: Path) -> None:
    answer = CliRunner().invoke(
        app, ["evaluate", str(orders), "--as-of", "2026-04-01", "--horizon", "30", "--out", str(tmp_path / "deep" / "out")]
    )
    assert answer.exit_code == 0, answer.output
    for words in ("customer_id = Kunde", "ordered_at = Datum", "amount = Summe", "marked fallback", "rule 经验规则"):
        assert words in answer.output.replace("\n", " ")
    assert {path.name for path in (tmp_path / "deep" / "out").iterdir()} == {
        "predictions.parquet", "metrics.json", "report.html",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("options", "words"),
    [
        pytest.param(["--as-of", "2020-01-01"], "none before that date", id="before the file"),
        pytest.param(["--map", "customer_id=Name"], "has no column Name", id="a column that is not there"),
        pytest.param(["--map", "shoe_size=Kunde"], "there is no shoe_size", id="a role that is not there"),
        pytest.param(["--horizon", "0"], "at least 1 day", id="no horizon"),
    ],
)
def test_what_cannot_be_done_is_said_and_leaves_no_file(orders: Path, tmp_path: Path, options: list[str], words: str) -> None:
    answer = CliRunner().invoke(app, ["evaluate", str(orders), "--out", str(tmp_path / "out"), *options])
    assert answer.exit_code == 1
    assert words in answer.output.replace("\n", " ")
    assert "docs/runbook.md#evaluate-input" in answer.output.replace("\n", "")
    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.parametrize("options", [["--as-of", "soon"], ["--timezone", "Atlantis"]])
def test_wrong_use(orders: Path, tmp_path: Path, options: list[str]) -> None:
    answer = CliRunner().invoke(app, ["evaluate", str(orders), "--out", str(tmp_path / "out"), *options])
    assert answer.exit_code == 2
