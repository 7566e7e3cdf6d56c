"""The weekly review of complaints as a page that people read: Markdown, in English or Chinese."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import sqlalchemy as sa

from retention.exports import plain
from retention.measurement.complaint_review import monday
from retention.warehouse import RetentionError, Run, Warehouse

LANGUAGES = ("en", "zh")
_LINES = 8
"""Members per table; the rest are counted in one line."""

_WORDS = {
    "title": ("Complaints, week from {week}", "投诉周复盘：{week} 起一周"),
    "partial": ("The week has not ended yet.", "本周尚未结束。"),
    "sum": (
        "Complaints opened: {complaints} ({change} than the week before); severe: {severe}; too late or waiting past the "
        "clock: {late}; resolved: {resolved}{median}{satisfaction}; compensation: {compensation}.",
        "本周投诉 {complaints} 件（较上周{change}），其中严重 {severe} 件，超时 {late} 件，"
        "已解决 {resolved} 件{median}{satisfaction}；赔付 {compensation}。",
    ),
    "median": (", half of them within {hours:.0f} h", "，中位解决时长 {hours:.0f} 小时"),
    "satisfaction": (", satisfaction {mean:.1f} of 5", "，处理满意度 {mean:.1f}/5"),
    "none": ("No complaint was opened in this week.", "本周无投诉。"),
    "product": ("By product", "按商品"),
    "product_category": ("By product category", "按商品类目"),
    "category": ("By kind of complaint", "按投诉类别"),
    "channel": ("By channel", "按渠道"),
    "team": ("By team", "按责任团队"),
    "causes": ("Causes", "根因"),
    "complaints": ("complaints", "投诉数"),
    "before": ("week before", "上周"),
    "cause": ("most frequent cause", "主要根因"),
    "late": ("late", "超时"),
    "rest": ("{count} others", "其余 {count} 项"),
    "compensation": ("Compensation of the cases resolved in the week", "本周结案赔付核对"),
    "severity": ("severity", "严重程度"),
    "expected": ("stated", "标准赔付"),
    "given": ("recorded", "已记录赔付"),
    "note": (
        "A complaint about an order counts once for each product in it. Causes of a single case are counted as other.",
        "一件投诉涉及订单内多个商品时，每个商品各计一次；仅出现一次的根因计入“其他”。",
    ),
}
VERDICTS = {
    "right": ("as stated", "符合标准"),
    "handed_out": ("handed out by the play", "由活动发放"),
    "pending": ("still to come", "待发放"),
    "missing": ("missing", "未赔付"),
    "below": ("below what is stated", "低于标准"),
    "above": ("above the ceiling", "超过上限"),
}
"""What the check of compensation found, in English and Chinese."""
_NAMES = {
    "none": ("none named", "未指明"),
    "other": ("other", "其他"),
    "not found yet": ("not found yet", "尚未查明"),
    "all": ("all", "合计"),
    "unknown": ("unknown", "未知"),
    "minor": ("minor", "轻微"),
    "medium": ("medium", "中等"),
    "severe": ("severe", "严重"),
}


class NothingReviewed(RetentionError):
    """No review of complaints has been published."""

    runbook = "complaint-review"


@dataclass(frozen=True)
class _Page:
    language: str
    digits: int
    currency: str

    def word(self, key: str) -> str:
        return _WORDS[key][LANGUAGES.index(self.language)]

    def name(self, text: str) -> str:
        shown = _NAMES[text][LANGUAGES.index(self.language)] if text in _NAMES else text
        return plain(shown).replace("\n", " ").replace("|", "\\|").replace("<", "&lt;")

    def money(self, minor: int) -> str:
        return f"{minor / 10**self.digits:,.{self.digits}f} {self.currency}"


def weekly_summary(run: Run, week: date | None = None, language: str = "en") -> str:
    """Return the review of one week as Markdown.

    Parameters
    ----------
    run : Run
        Gives the warehouse, and the currency.
    week : date, optional
        Any day of the week; default the newest week that has ended.
    language : str
        ``en`` or ``zh``.

    Raises
    ------
    NothingReviewed when no slice has been published, or none covers the week.
    """
    page = _Page(language, run.settings.company.base_currency_minor_digits, run.settings.company.base_currency)
    as_of_date, start = _slice(run.warehouse, monday(week) if week else None)
    causes = _rows(
        run.warehouse,
        "select * from bi.complaint_root_cause where as_of_date = :as_of_date and week_start = :week "
        "order by dimension, root_cause = 'all' desc, complaints desc, member, root_cause",
        as_of_date,
        start,
    )
    money = _rows(
        run.warehouse,
        "select severity, verdict, sum(complaints) as complaints, sum(expected_minor) as expected_minor, "
        "sum(given_minor) as given_minor from bi.complaint_compensation where as_of_date = :as_of_date and week_start = :week "
        "group by severity, verdict order by severity, verdict",
        as_of_date,
        start,
    )
    lines = [f"# {page.word('title').format(week=start)}", ""]
    overall = [row for row in causes if row["dimension"] == "all"]
    if not overall:
        lines += [page.word("none"), ""]
    else:
        lines += _overall(page, overall)
        for dimension in ("product", "product_category", "category", "channel", "team"):
            lines += _by(page, dimension, [row for row in causes if row["dimension"] == dimension])
    if money:
        lines += _compensation(page, money)
    return "\n".join([*lines, page.word("note"), ""])


def _overall(page: _Page, rows: Sequence[dict[str, Any]]) -> list[str]:
    total = next(row for row in rows if row["root_cause"] == "all")
    change = total["complaints"] - total["complaints_before"]
    more_en, more_zh = ("more", "增加") if change >= 0 else ("fewer", "减少")
    moved = f"{abs(change)} {more_en}" if page.language == "en" else f"{more_zh} {abs(change)} 件"
    median, mean = total["median_hours_to_resolve"], total["mean_satisfaction"]
    said = page.word("sum").format(
        complaints=total["complaints"],
        change=moved,
        severe=total["severe"],
        late=total["late"],
        resolved=total["resolved"],
        median="" if median is None else page.word("median").format(hours=median),
        satisfaction="" if mean is None else page.word("satisfaction").format(mean=mean),
        compensation=page.money(total["compensation_minor"]),
    )
    causes = [[page.name(row["root_cause"]), row["complaints"], row["complaints_before"]] for row in rows if row is not total]
    partial = [] if total["is_complete"] else [page.word("partial"), ""]
    heads = (page.word("causes"), page.word("complaints"), page.word("before"))
    return [said, "", *partial, f"## {page.word('causes')}", "", *_table(heads, causes), ""]


def _by(page: _Page, dimension: str, rows: Sequence[dict[str, Any]]) -> list[str]:
    members = [row for row in rows if row["root_cause"] == "all"]
    if not members:
        return []
    table = []
    for row in members[:_LINES]:
        own = [r for r in rows if r["member"] == row["member"] and r["root_cause"] != "all"]
        cause = f"{page.name(own[0]['root_cause'])} ({own[0]['complaints']})"
        table.append([page.name(row["member"]), row["complaints"], row["complaints_before"], row["late"], cause])
    if len(members) > _LINES:
        left = members[_LINES:]
        sums = [sum(row[name] for row in left) for name in ("complaints", "complaints_before", "late")]
        table.append([page.word("rest").format(count=len(left)), *sums, ""])
    heads = (page.word(dimension), *(page.word(name) for name in ("complaints", "before", "late", "cause")))
    return [f"## {page.word(dimension)}", "", *_table(heads, table), ""]


def _compensation(page: _Page, rows: Sequence[dict[str, Any]]) -> list[str]:
    place = LANGUAGES.index(page.language)
    table = [
        [
            page.name(row["severity"]), VERDICTS[row["verdict"]][place], row["complaints"],
            page.money(int(row["expected_minor"])), page.money(int(row["given_minor"])),
        ]
        for row in rows
    ]  # fmt: skip
    heads = (page.word("severity"), "", page.word("complaints"), page.word("expected"), page.word("given"))
    return [f"## {page.word('compensation')}", "", *_table(heads, table), ""]


def _table(heads: Sequence[str], rows: Sequence[Sequence[Any]]) -> list[str]:
    return [
        f"| {' | '.join(heads)} |",
        f"|{'|'.join('---' if place == 0 else '---:' for place in range(len(heads)))}|",
        *(f"| {' | '.join(map(str, row))} |" for row in rows),
    ]


def _slice(warehouse: Warehouse, week: date | None) -> tuple[date, date]:
    """Return the newest slice and the week to show: the one asked for, or the newest one that has ended."""
    with warehouse.connect() as connection:
        newest = connection.execute(
            sa.text("select max(cast(slice_key as date)) from ops.published where table_name = 'bi.complaint_root_cause'")
        ).scalar()
        if newest is None:
            raise NothingReviewed(
                "bi.complaint_root_cause: expected a published review, found none. Run the day's measurement first."
            )
        held = connection.execute(
            sa.text("select max(as_of_date) from bi.complaint_root_cause where week_start = :week"), {"week": week}
        ).scalar()
    last = monday(newest) - timedelta(days=7)
    if week is None:
        return newest, last
    if held is None and week > last:
        raise NothingReviewed(f"bi.complaint_root_cause: no review covers the week from {week}; the newest is as of {newest}.")
    return held or newest, week


def _rows(warehouse: Warehouse, query: str, as_of_date: date, week: date) -> list[dict[str, Any]]:
    with warehouse.connect() as connection:
        found = connection.execute(sa.text(query), {"as_of_date": as_of_date, "week": week})
        return [dict(row) for row in found.mappings()]
