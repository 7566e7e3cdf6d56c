"""The report of an evaluation, written by the writer of model reports."""

from __future__ import annotations

from pathlib import Path

from retention.evaluate.evaluation import Evaluated
from retention.evaluate.measuring import MODEL, Outcome
from retention.evaluate.predicting import settings_for
from retention.models.report import Chapter, Evaluation, Fact, Note, ReportData, Text, shapes, write_report

_VERSION = "as trained here"


def write_html(path: Path, evaluated: Evaluated) -> None:
    """Write report.html."""
    write_report(path, report_data(evaluated))


def report_data(evaluated: Evaluated) -> ReportData:
    """What the report shows."""
    plan, ledger = evaluated.plan, evaluated.ledger
    columns = ", ".join(f"{role} = {column}" for role, column in evaluated.columns.found.items())
    facts = (
        Fact(Text("File", "文件"), evaluated.request.orders.name),
        Fact(Text("Columns", "列"), columns),
        Fact(Text("Orders", "订单"), f"{len(ledger.orders):,}: {plan.first_day} – {plan.last_day}"),
        Fact(Text("Customers with a prediction", "有预测的客户"), f"{len(evaluated.predictions):,}"),
        Fact(Text("As of", "截止日期"), str(plan.as_of)),
        Fact(Text("Horizon in days", "预测天数"), str(plan.horizon_days)),
        Fact(Text("Learned as of", "训练日期"), ", ".join(map(str, plan.dates)) or "–"),
        Fact(Text("Days compared", "对比天数"), str(plan.compared_days)),
    )
    notes = tuple(Note(Text(note, note)) for note in evaluated.notes)
    chapters = [_churn(evaluated)]
    if evaluated.rows.has_money:
        chapters.append(_value(evaluated))
    chapters += _repurchase(evaluated)
    return ReportData(
        title=Text("Retention on your own history", "用您自己的历史订单评估"),
        as_of_date=plan.as_of,
        currency="",
        minor_per_major=round(evaluated.rows.minor),
        facts=facts,
        notes=notes,
        chapters=tuple(chapters),
    )


def _churn(evaluated: Evaluated) -> Chapter:
    from retention.models.reasons.overview import effects, importances

    fitted, outcome = evaluated.fitted, evaluated.outcome
    settings = settings_for(evaluated.request.settings, evaluated.plan)
    return Chapter(
        importances=() if fitted.churn is None else importances(fitted.churn, fitted.features, settings),
        effects=() if fitted.churn is None else effects(fitted.churn, fitted.features, settings),
        kind="churn",
        model_version=_VERSION,
        is_fallback=fitted.churn is None,
        notes=_fallback(fitted.reasons.get("churn")),
        evaluation=None
        if outcome is None
        else Evaluation(
            evaluated.plan.as_of,
            evaluated.plan.compared_days,
            len(outcome.truth),
            outcome.measured_churn,
            shapes(outcome.truth["churned"].to_numpy(), outcome.churn),
        ),
    )


def _value(evaluated: Evaluated) -> Chapter:
    fitted, outcome = evaluated.fitted, evaluated.outcome
    return Chapter(
        kind="clv",
        model_version=_VERSION,
        is_fallback=fitted.value is None,
        is_money=True,
        notes=_fallback(fitted.reasons.get("clv")),
        evaluation=None if outcome is None else _value_evaluation(evaluated, outcome),
    )


def _value_evaluation(evaluated: Evaluated, outcome: Outcome) -> Evaluation:
    return Evaluation(
        evaluated.plan.as_of,
        evaluated.plan.compared_days,
        len(outcome.truth),
        outcome.measured_value,
        shapes(outcome.truth["net_minor"].to_numpy(), outcome.value),
    )


def _repurchase(evaluated: Evaluated) -> list[Chapter]:
    """A chapter per number of days that the file covers: how far the chances of another order can be relied on."""
    is_fallback = evaluated.fitted.churn is None
    return [
        Chapter(
            kind=f"repurchase_{one.days}d",
            model_version=_VERSION,
            is_fallback=is_fallback,
            evaluation=Evaluation(
                evaluated.plan.as_of, one.days, len(one.ordered), one.measured, shapes(one.ordered, one.candidates)
            ),
        )
        for one in evaluated.repurchased
    ]


def _fallback(reason: str | None) -> tuple[Note, ...]:
    if reason is None:
        return ()
    return (
        Note(
            Text(f"No model: {reason}. The rule of thumb scores instead.", f"没有模型：{reason}。由经验规则评分。"), "warning"
        ),
    )


__all__ = ["MODEL", "report_data", "write_html"]
