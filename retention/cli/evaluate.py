"""Trying it on a history of one's own: evaluate."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from retention.cli._shared import console, now_in, parse_date
from retention.settings import load_settings

if TYPE_CHECKING:
    from retention.evaluate import Evaluated

_SHOWN = {
    "churn": (
        ("auc", "AUC", 3), ("brier", "Brier", 3), ("ece", "ECE", 3), ("mean_gap", "mean gap", 3),
        ("top_decile_lift", "top-decile lift", 2),
    ),
    "clv": (
        ("mae", "MAE", 2), ("total_bias", "total bias", 3), ("spearman", "Spearman", 3),
        ("normalised_gini", "normalised Gini", 3), ("top_decile_share", "top-decile share", 3),
    ),
}  # fmt: skip
_CANDIDATES = {
    "model": "ours 本模型",
    "recency_only": "recency 最近购买",
    "past_spend": "past spend 过去消费",
    "bg_nbd": "BG/NBD",
}


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command()(evaluate)


def evaluate(
    orders: Annotated[Path, typer.Argument(help="Orders or order lines: CSV (also .gz), Parquet, JSON lines or Excel.")],
    as_of: Annotated[
        str | None,
        typer.Option("--as-of", help="What happened before this date is known; default: one horizon before the end."),
    ] = None,
    horizon: Annotated[
        int | None, typer.Option("--horizon", help="Days to predict; default 90, or a third of the file.")
    ] = None,
    out: Annotated[Path, typer.Option("--out", help="Folder for report.html, metrics.json and predictions.parquet.")] = Path(
        "evaluation"
    ),
    customers: Annotated[Path | None, typer.Option("--customers", help="File of customers, one row each.")] = None,
    complaints: Annotated[Path | None, typer.Option("--complaints", help="File of complaints, one row each.")] = None,
    train_from: Annotated[
        str | None, typer.Option("--train-from", help="Earliest date to learn as of; default: chosen from the history.")
    ] = None,
    mapping: Annotated[
        list[str] | None,
        typer.Option("--map", help="Which column holds what: customer_id=KdNr,ordered_at=Datum,amount=Summe. Repeatable."),
    ] = None,
    timezone: Annotated[
        str | None, typer.Option("--timezone", help="Zone in which days are cut, e.g. Europe/Berlin; default: the company's.")
    ] = None,
) -> None:
    """Try it on a history of your own: learn before a date, predict, compare with what followed. No warehouse is needed."""
    from retention.evaluate.columns import parse_map
    from retention.evaluate.paths import check_file, prepare_folder

    settings = load_settings()
    # What can be wrong with the options is said before the models are imported, which takes seconds.
    asked_as_of, asked_from, roles = (
        parse_date(as_of, "--as-of"),
        parse_date(train_from, "--train-from"),
        parse_map(mapping or []),
    )
    if timezone is not None:
        _check_zone(timezone)
    for file in (orders, customers, complaints):
        if file is not None:
            check_file(file)
    prepare_folder(out)
    from retention.evaluate import Request
    from retention.evaluate import evaluate as run_evaluation
    from retention.evaluate.writing import write_all

    watching = console(stderr=True)
    request = Request(
        orders=orders,
        now=now_in(settings),
        customers=customers,
        complaints=complaints,
        as_of=asked_as_of,
        horizon_days=horizon,
        train_from=asked_from,
        mapping=roles,
        timezone=timezone,
        settings=settings,
    )
    with _Steps(watching) as steps:
        evaluated = run_evaluation(request, steps.step)
        steps.step("write", None, "")
        paths = write_all(evaluated, out)
    _print(console(), evaluated, paths)


def _check_zone(name: str) -> None:
    from zoneinfo import ZoneInfo

    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise typer.BadParameter(f"{name} is no time zone; write it as Europe/Berlin", param_hint="--timezone") from None


class _Steps:
    """Shows which step runs, and what each one brought."""

    def __init__(self, out: Console) -> None:
        self.out = out
        self.status = out.status("")

    def __enter__(self) -> _Steps:
        if self.out.is_terminal:
            self.status.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.status.stop()

    def step(self, name: str, seconds: float | None, says: str) -> None:
        """Show a step that begins (no seconds yet) or has ended."""
        if seconds is None:
            self.status.update(f"{name} …")
        else:
            self.out.print(f"[green]✓[/] {name:<16} {seconds:6.1f} s  ", end="")
            self.out.print(says, markup=False)


def _print(out: Console, evaluated: Evaluated, paths: dict[str, Path]) -> None:
    from retention.evaluate.words import counted

    plan = evaluated.plan
    out.print()
    people = counted(len(evaluated.predictions), "customer")
    columns = ", ".join(f"{role} = {column}" for role, column in evaluated.columns.found.items())
    out.print(Text(f"columns 列: {columns}"))
    out.print(Text(f"as of 截止 {plan.as_of}, {counted(plan.horizon_days, 'day')} ahead 预测天数: {people} 客户"))
    for note in evaluated.notes:
        out.print(Text(f"· {note}"))
    if evaluated.outcome is not None:
        out.print(_table("churn 流失", "churn", evaluated.outcome.measured_churn, 1.0, evaluated.fitted.churn is None))
        if evaluated.outcome.measured_value:
            is_fallback = evaluated.fitted.value is None
            out.print(_table("value 价值", "clv", evaluated.outcome.measured_value, evaluated.rows.minor, is_fallback))
    out.print()
    for path in paths.values():
        out.print(Text(str(path)), soft_wrap=True)


def _figure(value: float, digits: int, is_money: bool) -> str:
    """A number with so many decimals; small money with the first figures that say something."""
    return f"{value:.2g}" if is_money and 0 < value < 0.1 else f"{value:,.{digits}f}"


def _table(title: str, kind: str, measured: Any, minor: float, is_fallback: bool) -> Table:
    shown = _SHOWN[kind]
    table = Table(title=title, title_justify="left", header_style="")
    table.add_column("")
    for _, label, _ in shown:
        table.add_column(label, justify="right")
    for candidate, values in measured.items():
        label = "rule 经验规则" if candidate == "model" and is_fallback else _CANDIDATES.get(candidate, candidate)
        cells = []
        for metric, _, digits in shown:
            value = values[metric].value
            unit = minor if metric == "mae" else 1.0
            cells.append("–" if value is None else _figure(value / unit, digits, metric == "mae"))
        table.add_row(label, *cells, style="bold" if candidate == "model" else "")
    return table
