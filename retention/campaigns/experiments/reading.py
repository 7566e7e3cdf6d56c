"""The design of a play's experiment from a planned or rehearsed day."""

from __future__ import annotations

import sqlalchemy as sa

from retention.campaigns.experiments.design import Design, design
from retention.campaigns.plays import Play
from retention.campaigns.valuing import Valuation
from retention.warehouse import Run, sql_file

_PERIOD_DAYS = {"week": 7, "month": 30, "quarter": 91, "year": 365}


def read_design(run: Run, play: Play, valuation: Valuation, decided_table: str = "campaigns.decision") -> Design | None:
    """Return what the play's control group will be able to show of net revenue per customer, and when.

    How much customers differ is measured on those who would begin on the day, over the outcome window before it. How many come
    later is known from earlier days of the play; else a play of the calendar is taken to meet its audience once per period.

    Parameters
    ----------
    run : Run
        The day.
    play : Play
        The play.
    valuation : Valuation
        The day's numbers: what is expected is margin, what is measured is revenue.
    decided_table : str
        Where the day's decisions are: the table, or its staging.

    Returns
    -------
    Design; None where nobody would begin, or all did alike, or the play keeps no control group.
    """
    outcome_days = run.settings.measurement.outcome_days
    query = sql_file("campaigns/_experiment_basis").replace("from campaigns.decision", f"from {decided_table} as decision")
    with run.warehouse.connect() as connection:
        basis = connection.execute(sa.text(query), {**run.binds(), "play": play.name, "outcome_days": outcome_days}).one()
    if not basis.customers or not basis.deviation_minor or not play.holdout_share:
        return None
    expected = None
    if basis.stated_minor is not None:
        margin = valuation.margin_of_revenue
        expected = float(basis.stated_minor) / margin - float(basis.offer_minor) if margin > 0 else None
    per_day = basis.per_day
    if per_day is None:
        per_day = basis.customers / _period_days(play) if _period_days(play) else 0.0
    return design(
        customers_at_start=int(basis.customers),
        customers_per_day=float(per_day),
        share=play.holdout_share,
        deviation_minor=float(basis.deviation_minor),
        expected_minor=expected,
        outcome_days=outcome_days,
        variance_left=float(basis.variance_left),
    )


def sentence(found: Design | None, language: str, unit: int = 100) -> str:
    """Say in English or Chinese what a control group will show.

    Parameters
    ----------
    found : Design, optional
        As :func:`read_design` gave it.
    language : str
        ``en`` or ``zh``.
    unit : int
        Minor units in one unit of the base currency.
    """
    is_english = language == "en"
    if found is None or found.detectable_at_start_minor is None:
        return (
            "Its effect cannot be measured: nobody begins, nobody is kept back, or all bought alike."
            if is_english
            else "无法测量效果：当天无人入选、未设对照组，或客户消费没有差异。"
        )
    shown = f"{found.detectable_at_start_minor / unit:,.2f}"
    seen = (
        f"The {found.customers_at_start:,} of the first day show a difference of {shown} per customer or more."
        if is_english
        else f"首日 {found.customers_at_start:,} 人可测出人均不低于 {shown} 的差异。"
    )
    if found.expected_minor is None or found.needed_customers is None:
        after = "The play states no effect to look for." if is_english else "该活动未声明预期效果。"
    elif found.days_to_decision is None:
        after = (
            f"The stated effect of {found.expected_minor / unit:,.2f} needs {found.needed_customers:,}, who will not come."
            if is_english
            else f"要测出预期的人均 {found.expected_minor / unit:,.2f}，需 {found.needed_customers:,} 人，按目前人数无法达到。"
        )
    else:
        after = (
            f"The stated effect of {found.expected_minor / unit:,.2f} needs {found.needed_customers:,}: decided after "
            f"{found.days_to_decision:,} days."
            if is_english
            else f"要测出预期的人均 {found.expected_minor / unit:,.2f}，需 {found.needed_customers:,} 人，"
            f"约 {found.days_to_decision:,} 天后可下结论。"
        )
    return f"{seen} {after}" if is_english else f"{seen}{after}"


def _period_days(play: Play) -> int:
    if play.period.startswith("days:"):
        return int(play.period.removeprefix("days:"))
    return _PERIOD_DAYS.get(play.period, 0)
