"""Commands about models: model list, show, promote, rollback; explain; backtest."""

from __future__ import annotations

import getpass
import json
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer
from rich.text import Text

from retention.cli._shared import closed_day, console, open_databases, parse_date, run_factory
from retention.settings import load_settings

if TYPE_CHECKING:
    from retention.measurement.backtest import Lived
    from retention.models.registry import RegisteredModel
    from retention.report import Section
    from retention.warehouse import Run

Changed = TypeVar("Changed")
model_app = typer.Typer(help="Models: which there are, which one scores, and why.", no_args_is_help=True)

_KEYS = {"ignore_unknown_options": True}  # keys are signed: -5 is a key, not an option


def _said(reason: str) -> str:
    if not reason.strip():
        raise typer.BadParameter("say why: it is kept with the decision for good")
    return reason


Reason = Annotated[str, typer.Option("--reason", help="Why; kept for good.", callback=_said)]


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.add_typer(model_app, name="model")
    app.command(context_settings=_KEYS)(explain)
    app.command()(backtest)


@model_app.command("list")
def model_list(kind: Annotated[str | None, typer.Option("--kind", help="Only this kind, e.g. churn.")] = None) -> None:
    """List registered models, newest first: which scores, which was kept back or retired, and why."""
    from retention.models import registry
    from retention.report import Section, print_section

    warehouse, _ = open_databases()
    found = registry.models(warehouse, kind)
    columns = [("version", "left"), ("state", "left"), ("as of", "left"), ("days", "right"), ("why", "left")]
    rows = [[one.model_version, one.state, str(one.as_of_date), str(one.horizon_days), one.decision] for one in found]
    print_section(console(), Section("Models", "模型", columns, rows, empty="no model was trained yet"))


@model_app.command("show")
def model_show(
    version: Annotated[str, typer.Argument(metavar="VERSION", help="As `model list` names it.")],
    report: Annotated[Path | None, typer.Option("--report", help="Write its report there, as one HTML page.")] = None,
) -> None:
    """Show a model: what it was made from, what it was measured at beside baselines, and the decision about it."""
    from retention.models import registry
    from retention.models.registry import UnknownModel
    from retention.report import print_section
    from retention.report import rows as read

    warehouse, _ = open_databases()
    model = registry.find(warehouse, version)
    if model is None:
        raise UnknownModel(f"no model {version} in ops.model; `retention model list` names them.")
    out = console()
    for label, value in _facts(model):
        out.print(Text(f"{label:<18}{value}"), soft_wrap=True)
    measured = read(
        warehouse,
        "select candidate, metric, metric_value, metric_lower, metric_upper, evaluated_as_of, customers "
        "from ops.model_evaluation where model_version = :version order by candidate <> 'challenger', candidate, metric",
        {"version": version},
    )
    print_section(out, _measured(measured, 10 ** load_settings().company.base_currency_minor_digits))
    if report is not None:
        _write_report(warehouse, model, report)
        out.print(Text(f"report written to {report}"))


def _facts(model: RegisteredModel) -> list[tuple[str, str]]:
    details = {name: value for name, value in model.details.items() if not isinstance(value, dict | list)}
    learned = model.details.get("features", [])
    return [
        ("version", model.model_version),
        ("kind", model.kind),
        ("state", model.state),
        ("trained as of", f"{model.as_of_date}, outcomes until {model.labels_until}, {model.training_rows:,} rows"),
        ("meaning", f"{model.definition}, {model.horizon_days} days"),
        ("decision", model.decision),
        ("file", f"{model.file_name}, sha256 {model.file_sha256}"),
        ("learned from", f"{len(learned)} columns: {', '.join(learned)}" if learned else ""),
        ("details", ", ".join(f"{name} {value}" for name, value in details.items())),
    ]


def _measured(rows: list[dict[str, Any]], minor: int) -> Section:
    from retention.report import Section

    def number(metric: str, value: float | None) -> str:
        if value is None:
            return ""
        return f"{value / minor:,.2f}" if metric == "mae" else f"{value:.4g}"  # money as people write it

    cells = [
        [
            r["candidate"],
            r["metric"],
            number(r["metric"], r["metric_value"]),
            f"{number(r['metric'], r['metric_lower'])} – {number(r['metric'], r['metric_upper'])}",
        ]
        for r in rows
    ]
    columns = [("candidate", "left"), ("measure", "left"), ("value", "right"), ("95 % interval", "right")]
    note = f"out of time, as of {rows[0]['evaluated_as_of']}, {rows[0]['customers']:,} customers" if rows else ""
    return Section("Measured", "评估", columns, cells, note=note, empty="no measurement is stored")


def _write_report(warehouse: Any, model: RegisteredModel, path: Path) -> None:
    from retention.models import registry
    from retention.models.registry import UnknownModel
    from retention.models.report import ReportData, write_report
    from retention.models.report import Text as Both

    chapter = registry.chapter(warehouse, model.model_version)
    if chapter is None:
        raise UnknownModel(f"model {model.model_version} was registered without a report. Nothing was written.")
    company = load_settings().company
    title = Both(f"Model {model.model_version}", f"模型 {model.model_version}")
    minor = 10**company.base_currency_minor_digits
    write_report(path, ReportData(title, model.as_of_date, company.base_currency, minor, chapters=(chapter,)))


@model_app.command("promote")
def model_promote(version: Annotated[str, typer.Argument(metavar="VERSION")], reason: Reason) -> None:
    """Make a registered model the one that scores, by your decision."""
    from retention.models import registry

    model = _changing(lambda run: registry.promote(run, version, f"promoted by {getpass.getuser()}: {reason}"))
    console().print(Text(f"{model.model_version} scores {model.kind} from the next run of the scores on"))


@model_app.command("rollback")
def model_rollback(
    kind: Annotated[str, typer.Argument(metavar="KIND", help="churn, clv, renewal …")],
    reason: Reason,
    to_fallback: Annotated[
        bool, typer.Option("--to-fallback", help="Let no model score, but the marked rule of thumb: undoes a first promotion.")
    ] = False,
) -> None:
    """Bring back the model that scored before the present one: a pointer moves, nothing is trained."""
    from retention.models import registry

    model = _changing(lambda run: registry.rollback(run, kind, f"{reason} ({getpass.getuser()})", to_fallback))
    scores = f"{model.model_version} scores" if model else "the marked rule of thumb scores"
    console().print(Text(f"{scores} {kind} from the next run of the scores on"))


def _changing(change: Callable[[Run], Changed]) -> Changed:
    from retention import pipeline

    run = run_factory(closed_day(None))("model")
    try:
        return change(run)
    finally:
        pipeline.close(run)


def explain(
    customer: Annotated[
        str | None, typer.Argument(metavar="[CUSTOMER]", help="Key of the customer, or SOURCE:NUMBER, e.g. crm:1042.")
    ] = None,
    source: Annotated[str | None, typer.Option("--source", help="Source system that knows the customer.")] = None,
    customer_id: Annotated[str | None, typer.Option("--customer-id", help="The customer's number in that source.")] = None,
    date_text: Annotated[str | None, typer.Option("--date", help="Business day; default: the newest one scored.")] = None,
) -> None:
    """Explain one customer's scores: how likely to leave, worth what, and the reasons, in words."""
    from retention.cli import _explain
    from retention.cli._person import person

    warehouse, _ = open_databases()
    whom = person(warehouse, customer, source, customer_id)
    day = parse_date(date_text)
    _explain.explain(console(), warehouse, whom, None if day is None else day + timedelta(days=1), run_factory)


def backtest(
    from_text: Annotated[str, typer.Option("--from", help="First as-of date to live again.")],
    to_text: Annotated[str, typer.Option("--to", help="Last as-of date to live again.")],
    step: Annotated[int, typer.Option("--step", help="Days from one date to the next.", min=1)] = 28,
    horizon: Annotated[int | None, typer.Option("--horizon", help="Days to predict; default: the churn horizon.")] = None,
    out_file: Annotated[Path | None, typer.Option("--out", help="Write all figures there, as JSON.")] = None,
) -> None:
    """Live past dates again: what would have been predicted and done, and how it turned out. Changes nothing."""
    from retention import pipeline
    from retention.measurement.backtest import backtest as live
    from retention.report import print_section

    first, last = parse_date(from_text, "--from"), parse_date(to_text, "--to")
    if first is None or last is None or last < first:
        raise typer.BadParameter("is before --from", param_hint="--to")
    days = [first + timedelta(days=step * number) for number in range((last - first).days // step + 1)]
    opened: list[Run] = []

    def open_run(day: date) -> Run:
        opened.append(run_factory(day)("backtest"))
        return opened[-1]

    watching, found = console(stderr=True), []
    try:
        for lived in live(open_run, days, horizon or load_settings().churn.horizon_days, closed_day(None)):
            found.append(lived)
            watching.print(f"[green]✓[/] {lived.as_of}: {lived.customers:,} customers")
    finally:
        for run in opened:
            pipeline.close(run)
    out = console()
    for section in _lived(found):
        print_section(out, section)
    if out_file is not None:
        out_file.write_text(json.dumps([_as_json(one) for one in found], indent=2) + "\n", encoding="utf-8")
        out.print(Text(f"written to {out_file}"))


# Short enough that a table of all stays within a line.
_FIGURES = {
    "predicted_churn": "said", "actual_churn": "left", "auc": "AUC", "brier": "Brier", "ece": "ECE", "top_decile_lift": "lift",
    "auc_recency_only": "AUC recency", "value_bias": "value bias", "value_gini": "value Gini",
}  # fmt: skip
_SHARES = ("predicted_churn", "actual_churn", "value_bias")


def _lived(found: list[Lived]) -> list[Section]:
    from retention.report import Section

    company = load_settings().company

    def figure(name: str, value: float | None) -> str:
        return "" if value is None else f"{value:.1%}" if name in _SHARES else f"{value:.3f}"

    names = list(found[0].figures) if found else []
    predicted = [
        [str(one.as_of), f"{one.customers:,}", *(figure(name, value) for name, value in one.figures.items())] for one in found
    ]
    columns = [("as of", "left"), ("people", "right"), *((_FIGURES.get(name, name), "right") for name in names)]
    note = "rule of thumb, too little to learn from: " + ", ".join(str(one.as_of) for one in found if one.is_fallback)
    acted = [
        [
            str(one.as_of), audience.play, f"{audience.customers:,}", f"{audience.churned:,}",
            "" if not audience.customers else f"{audience.churned / audience.customers:.1%}",
            "" if audience.others_churn_rate is None else f"{audience.others_churn_rate:.1%}",
            f"{audience.spent_minor / 10**company.base_currency_minor_digits:,.0f}",
        ]
        for one in found for audience in one.audiences
    ]  # fmt: skip
    audience_columns = [
        ("as of", "left"), ("play", "left"), ("chosen", "right"), ("left since", "right"), ("share", "right"),
        ("others", "right"), (f"spent since, {company.base_currency}", "right"),
    ]  # fmt: skip
    return [
        Section(
            "Predicted and happened", "预测与实际", columns, predicted, note=note if any(o.is_fallback for o in found) else ""
        ),
        Section(
            "Whom the plays would have chosen", "活动会选中的客户", audience_columns, acted, empty="no play looks at scores"
        ),
    ]


def _as_json(one: Lived) -> dict[str, Any]:
    return {
        "as_of": one.as_of.isoformat(),
        "horizon_days": one.horizon_days,
        "customers": one.customers,
        "is_fallback": one.is_fallback,
        **one.figures,
        "audiences": [vars(audience) for audience in one.audiences],
    }
