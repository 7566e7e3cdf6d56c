"""What `retention segment …` shows, as tables for the terminal and as Markdown for a review; English and Chinese."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from retention.report import Section
from retention.segments.reference import read_reference
from retention.segments.what_if import COST_DAYS, WhatIf

DIMENSIONS = {
    "tier": ("service tier", "服务层级", "service_tier"),
    "at_risk": ("at risk", "流失风险", ""),
    "stage": ("lifecycle stage", "生命周期阶段", "lifecycle_stage"),
    "value_class": ("value class", "价值分类", "value_class"),
    "rfm_segment": ("RFM segment", "RFM 细分", "rfm_segment"),
    "membership_level": ("membership level", "会员等级", ""),
}
_FLAGS = {"true": "yes 是", "false": "no 否", "none": "none 无"}
NOTHING = "Nobody would move. 没有客户变动。"


def labels() -> Mapping[tuple[str, str], str]:
    """Return the bilingual name of every group, by dimension and code."""
    named = {
        (row["label_group"], row["label"]): f"{row['label_en']} {row['label_zh']}" for row in read_reference("segments.label")
    }
    found = {
        (dimension, str(label)): text
        for dimension, (_, _, group) in DIMENSIONS.items()
        for (label_group, label), text in named.items()
        if label_group == group
    }
    return found | {("at_risk", flag): text for flag, text in _FLAGS.items()}


def what_if_summary(found: WhatIf, currency: str, minor_digits: int) -> list[str]:
    """Return the outcome in sentences, English and Chinese in turn."""
    lines = []
    for dimension, (en, zh, _) in DIMENSIONS.items():
        if dimension == "rfm_segment":
            continue
        moved, everybody = sum(one.settled for one in found.movers(dimension)), found.customers(dimension)
        at_once = sum(one.next_run for one in found.movers(dimension))
        if moved or at_once:
            share = moved / everybody if everybody else 0.0
            lines += [
                f"{moved:,} of {everybody:,} customers ({share:.1%}) change {en}; {at_once:,} change at the next run.",
                f"{everybody:,} 位客户中有 {moved:,} 位({share:.1%})的{zh}发生变化;下次运行时变化 {at_once:,} 位。",
            ]
    if not lines:
        return [NOTHING]
    cost = found.contact_cost_change()
    if cost is None:
        return [
            *lines,
            f"Contact cost: nothing was delivered in {COST_DAYS} days, so nothing is known.",
            f"触达成本:近 {COST_DAYS} 天没有投放记录,无法估计。",
        ]
    change, total = cost
    amount = f"{change / 10**minor_digits:+,.2f} {currency}"
    return [
        *lines,
        f"Contact cost of {COST_DAYS} days: {change / total:+.1%} ({amount}), if movers cost what their new tier has cost.",
        f"{COST_DAYS} 天触达成本:{change / total:+.1%}({amount}),按新层级的历史成本估算。",
    ]


def what_if_section(found: WhatIf, minor_digits: int) -> Section:
    """Return who would move, by dimension, group before and group after."""
    names, one = labels(), 10**minor_digits
    rows = [
        [
            DIMENSIONS[move.dimension][0],
            names.get((move.dimension, move.from_member), move.from_member),
            names.get((move.dimension, move.to_member), move.to_member),
            f"{move.settled:,}",
            f"{move.next_run:,}",
            f"{move.net_minor / one:,.0f}",
            f"{move.predicted_minor / one:,.0f}",
            f"{move.cost_minor / one:,.2f}",
        ]
        for dimension in DIMENSIONS
        for move in found.movers(dimension)
    ]
    columns = [
        ("group", "left"), ("from", "left"), ("to", "left"), ("settled", "right"), ("next run", "right"),
        ("net 365 days", "right"), ("predicted", "right"), (f"contact cost {COST_DAYS} days", "right"),
    ]  # fmt: skip
    return Section("Who would move", "变动客户", columns, rows, empty=NOTHING)


def what_if_markdown(found: WhatIf, currency: str, minor_digits: int) -> str:
    """Return the outcome as a Markdown page: an artefact for the review of a change."""
    section = what_if_section(found, minor_digits)
    lines = [
        "# What the change would move 变更影响预估",
        "",
        f"As of {found.as_of_date}; money in {currency}. Nothing was written. 未写入任何数据。",
        "",
        *(f"- `{change}`" for change in found.changes),
        "",
        *what_if_summary(found, currency, minor_digits),
        "",
    ]
    if section.rows:
        lines += [*markdown_table([name for name, _ in section.columns], section.rows), ""]
        lines += [
            "Settled: once the days of grace are over. Next run: what the first run after the change would move.",
            "“settled”:宽限期结束后的结果;“next run”:变更后首次运行时的变动。",
            "",
        ]
    return "\n".join(lines)


def markdown_table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Return the lines of a Markdown table."""
    cells = [list(heads), ["---"] * len(heads), *[[cell.replace("|", "\\|") for cell in row] for row in rows]]
    return [f"| {' | '.join(row)} |" for row in cells]
