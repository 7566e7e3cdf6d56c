"""What `retention explain` prints of one customer."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import numpy as np
from rich.console import Console
from rich.text import Text

from retention.settings import load_settings
from retention.warehouse import RetentionError, Run, Warehouse


class NotScored(RetentionError):
    """There is no score of this customer on that date."""

    runbook = "not-scored"


def explain(
    out: Console, warehouse: Warehouse, person: int, as_of: date | None, open_run: Callable[[date], Callable[[str], Run]]
) -> None:
    """Print scores, reasons and warning signs of one customer.

    Raises
    ------
    NotScored when nothing was scored on the date, or the customer is no purchaser then.
    """
    from retention.report import rows

    scored = rows(warehouse, "select max(as_of_date) as newest from scores.churn") if as_of is None else [{"newest": as_of}]
    chosen = scored[0]["newest"]
    if chosen is None:
        raise NotScored("explain: no day was scored yet: run `retention run` first.")
    key = {"person": person, "as_of": chosen}
    found = rows(
        warehouse,
        "select churn.churn_probability, churn.horizon_days, churn.model_version, churn.is_fallback, clv.clv_12m_minor, "
        "clv.clv_12m_lower_minor, clv.clv_12m_upper_minor, clv.expected_orders_12m, clv.is_fallback as clv_is_fallback, "
        "clv.model_version as clv_model_version "
        "from scores.churn as churn left join scores.clv as clv "
        "on churn.as_of_date = clv.as_of_date and churn.customer_key = clv.customer_key "
        "where churn.as_of_date = :as_of and churn.customer_key = :person",
        key,
    )
    if not found:
        raise NotScored(f"explain: customer {person} has no score as of {chosen}: not scored on that day, or no purchaser yet.")
    _scores(out, person, chosen, found[0])
    _repurchase(
        out, rows(warehouse, "select * from scores.repurchase where as_of_date = :as_of and customer_key = :person", key)
    )
    reasons = rows(
        warehouse,
        "select score, is_raising, contribution, sentence_en, sentence_zh from scores.reason "
        "where as_of_date = :as_of and customer_key = :person order by score, rank",
        key,
    )
    if not reasons:
        reasons = _computed(open_run(chosen - timedelta(days=1))("explain"), person)
        scored_by = {"churn": found[0]["model_version"], "clv": found[0]["clv_model_version"]}
        for score in sorted({one["score"] for one in reasons if one["model_version"] != scored_by[one["score"]]}):
            out.print(
                Text(
                    f"\n{score}: reasons are not stored, and {scored_by[score]}, which scored then, does not score now "
                    "原因未保存,且当时评分的模型已不再使用"
                ),
                soft_wrap=True,
            )
        reasons = [one for one in reasons if one["model_version"] == scored_by[one["score"]]]
    _reasons(out, reasons)
    warnings = rows(
        warehouse,
        "select sentence_en, sentence_zh from scores.warning where as_of_date = :as_of and customer_key = :person "
        "order by chance, warning",
        key,
    )
    if warnings:
        out.print(Text("\nwarning signs 预警信号", style="bold"))
        for one in warnings:
            out.print(Text(f"  {one['sentence_en']}  {one['sentence_zh']}"), soft_wrap=True)


def _scores(out: Console, person: int, as_of: date, found: dict[str, Any]) -> None:
    company = load_settings().company
    unit = 10**company.base_currency_minor_digits

    def money(minor: int | None) -> str:
        return "–" if minor is None else f"{minor / unit:,.2f}"

    rule = " (rule of thumb 经验规则)" if found["is_fallback"] else ""
    out.print(Text(f"customer 客户 {person}, as of 截止 {as_of}", style="bold"))
    out.print(
        Text(
            f"churn in {found['horizon_days']} days 流失概率: {found['churn_probability']:.1%}{rule}, {found['model_version']}"
        )
    )
    rule = " (rule of thumb 经验规则)" if found["clv_is_fallback"] else ""
    out.print(
        Text(
            f"value of the coming year 未来一年价值: {money(found['clv_12m_minor'])} {company.base_currency}, "
            f"{money(found['clv_12m_lower_minor'])} – {money(found['clv_12m_upper_minor'])}; "
            f"{found['expected_orders_12m'] or 0:.1f} orders 订单{rule}"
        ),
        soft_wrap=True,
    )


def _repurchase(out: Console, found: list[dict[str, Any]]) -> None:
    for one in found:
        out.print(
            Text(
                f"buys again within 30 days 30天内复购: {one['probability_30d']:.1%}, 90: {one['probability_90d']:.1%}; "
                f"next order 下次下单 {one['next_order_date'] or '–'} "
                f"({one['next_order_from'] or '–'} – {one['next_order_until'] or '–'})"
            ),
            soft_wrap=True,
        )


def _computed(run: Run, person: int) -> list[dict[str, Any]]:
    """Reasons of a customer outside the bands whose reasons are stored: computed now from the published features."""
    from retention import pipeline
    from retention.models import scoring
    from retention.models.reasons.table import reasons

    try:
        given = scoring.given(run)
        chosen = np.asarray(given.features.index == person)
        listed: list[dict[str, Any]] = []
        for score in ("churn", "clv"):
            frame = reasons(run.settings, given, score, chosen)
            listed += [{str(name): value for name, value in row.items()} for row in frame.to_dict("records")]
        return listed
    finally:
        pipeline.close(run)


def _reasons(out: Console, found: list[dict[str, Any]]) -> None:
    titles = {"churn": "why this churn probability 流失原因", "clv": "why this value 价值原因"}
    for score, title in titles.items():
        of_score = [one for one in found if one["score"] == score]
        if not of_score:
            continue
        out.print(Text(f"\n{title}", style="bold"))
        for one in of_score:
            way = "↑" if one["is_raising"] else "↓"
            out.print(Text(f"  {way} {one['contribution']:+.2f}  {one['sentence_en']}  {one['sentence_zh']}"), soft_wrap=True)
