"""Chapters of the training report: what was learned from, what moves the predictions, and how."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING

import pandas as pd

from retention.models.report.data import Chapter, Fact, Note, Text
from retention.settings import Settings

if TYPE_CHECKING:
    from retention.models.churn import ChurnModel
    from retention.models.value import ValueModel


def churn_chapter(
    version: str, model: ChurnModel, features: pd.DataFrame, dates: Sequence[date], label_days: int, company: Settings
) -> Chapter:
    """What training shows of a churn model.

    Parameters
    ----------
    features : purchasers whose predictions importances and effects are taken over.
    """
    from retention.models.reasons.overview import effects, importances

    settings, notes = company.churn, []
    if label_days < settings.horizon_days:
        notes.append(
            Note(
                Text(
                    f"History was long enough for {label_days} days of outcomes. The model learned from these and is extended "
                    f"to {settings.horizon_days} days by the purchase process; it was measured at {label_days} days.",
                    f"历史数据只够观察 {label_days} 天的结果。模型据此学习,再由购买过程模型外推到 {settings.horizon_days} 天;"
                    f"评估按 {label_days} 天进行。",
                ),
                "warning",
            )
        )
    facts = (
        Fact(Text("Horizon", "预测期"), f"{settings.horizon_days} d"),
        Fact(Text("Days of outcomes learned from", "学习所用结果天数"), f"{label_days} d"),
        Fact(Text("Training dates", "训练日期"), ", ".join(day.isoformat() for day in dates)),
        Fact(Text("Inputs", "输入变量数"), str(len(model.features))),
        Fact(
            Text("Shares in the blend: trees, smooth model, purchase process", "混合权重:树模型、平滑模型、购买过程"),
            f"{model.weight:.0%}, {model.smooth_weight:.0%}, {model.process_weight:.0%}",
        ),
        Fact(Text("Calibrated as of", "校准日期"), model.calibrated_as_of.isoformat()),
        Fact(
            Text("Level moved for the season to come (log-odds)", "按季节调整的水平(对数几率)"),
            f"{model.season_shift:+.2f}" if model.season_shift else "–",
        ),
    )
    return Chapter(
        "churn",
        version,
        facts=facts,
        notes=tuple(notes),
        importances=importances(model, features, company),
        effects=effects(model, features, company),
    )


def clv_chapter(
    version: str, model: ValueModel, features: pd.DataFrame, check_days: int, company: Settings, claimed: float
) -> Chapter:
    """What training shows of a model of lifetime value.

    Parameters
    ----------
    claimed : what the intervals that were checked claim to cover, on average: one that holds nothing but "no order" may be
        right for more of the customers than was asked for.
    """
    from retention.models.reasons.overview import effects, importances

    settings = company.clv
    facts = (
        Fact(Text("Horizon", "预测期"), f"{settings.horizon_days} d"),
        Fact(Text("Checked over", "检验天数"), f"{check_days} d"),
        Fact(Text("Yearly discount", "年折现率"), f"{settings.annual_discount_rate:.0%}"),
        Fact(Text("Interval meant to cover", "区间目标覆盖率"), f"{settings.interval:.0%}"),
        Fact(Text("What the checked intervals claim to cover", "被检验区间的名义覆盖率"), f"{claimed:.1%}"),
        Fact(Text("Purchasers learned from", "学习所用客户数"), f"{len(features):,}"),
    )
    return Chapter(
        "clv",
        version,
        is_money=True,
        facts=facts,
        importances=importances(model, features, company),
        effects=effects(model, features, company),
    )
