"""The sections of a chapter, each from its plain data to HTML; a section without data is empty."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from retention.models.report.charts import Axis, Line, axis, bar_chart, line_chart
from retention.models.report.data import Chapter, Drift, Effect, Evaluation, Fact, Importance, Matured, Note, Shape, Table, Text
from retention.models.report.words import Numbers, both, meaning, place, word

OURS = ("challenger", "model")
MOST_INPUTS = 15


def notes(listed: Sequence[Note]) -> str:
    """What the reader must know, most pressing first."""
    order = {"stop": 0, "warning": 1}
    ranked = sorted(listed, key=lambda note: order.get(note.level, 2))
    return "".join(f'<p class="note {escape(note.level)}">{both(note.text)}</p>' for note in ranked)


def facts(listed: Sequence[Fact]) -> str:
    """Lines of label and value."""
    rows = "".join(f"<tr><th>{both(fact.label)}</th><td>{escape(fact.value)}</td></tr>" for fact in listed)
    return f'<table class="facts">{rows}</table>' if rows else ""


def evaluation(found: Evaluation, numbers: Numbers, is_money: bool) -> str:
    """Measures beside the baselines, then the diagrams and the decile table."""
    names = sorted(found.measured, key=_rank)
    metrics = sorted({metric for name in names for metric in found.measured[name]}, key=lambda key: (place("metric", key), key))
    head = "".join(f"<th>{_candidate(name)}</th>" for name in names)
    rows = []
    for metric in metrics:
        cells = "".join(
            f'<td class="{"ours" if name in OURS else ""}">{numbers.measured(metric, found.measured[name].get(metric))}</td>'
            for name in names
        )
        what = f'{both(word("metric", metric))}<br><span class="quiet">{both(meaning("metric", metric))}</span>'
        rows.append(f"<tr><th>{what}</th>{cells}</tr>")
    about = Text(
        f"{found.customers:,} customers, predicted as of {found.as_of.isoformat()} for {found.horizon_days} days.",
        f"{found.customers:,} 位客户,以 {found.as_of.isoformat()} 为基准预测 {found.horizon_days} 天。",
    )
    top = f"<tr><th>{both(word('column', 'metric'))}</th>{head}</tr>"
    table = f'<div class="wide"><table class="measures">{top}{"".join(rows)}</table></div>'
    return f"{heading('measures')}<p>{both(about)}</p>{table}{_diagrams(found.shapes, numbers, is_money)}"


def _diagrams(shapes: Sequence[Shape], numbers: Numbers, is_money: bool) -> str:
    ordered = sorted(shapes, key=lambda shape: _rank(shape.candidate))
    ordered = [shape for shape in ordered if shape.deciles]
    if not ordered:
        return ""
    charts = [
        _figure("reliability", _reliability(ordered, numbers, is_money)),
        _figure("gains", _gains(ordered)),
        _figure("lift", _lift(ordered)),
    ]
    return f'<div class="charts">{"".join(charts)}</div>{_deciles(ordered[0], numbers, is_money)}'


def _reliability(shapes: Sequence[Shape], numbers: Numbers, is_money: bool) -> str:
    def show(value: float) -> str:
        return numbers.money_on_axis(value) if is_money else f"{value:.0%}"

    ours = shapes[0].reliability
    values = [end for band in ours for end in (band.predicted, band.actual, band.upper)]
    values += [value for shape in shapes[1:] for band in shape.reliability for value in (band.predicted, band.actual)]
    limit = axis("", values, show)
    if not is_money:
        limit = Axis("", max(0.0, limit.low), min(1.0, limit.high), show)
    lines = [
        Line(
            _plain(shape.candidate),
            [(band.predicted, band.actual) for band in shape.reliability],
            [(band.lower, band.upper) for band in shape.reliability] if number == 0 else (),
            marks=number == 0,
        )
        for number, shape in enumerate(shapes)
    ]
    across, up = (Axis(_axis(name), limit.low, limit.high, show) for name in ("predicted", "actual"))
    return line_chart(_title("reliability"), across, up, lines, diagonal=True)


def _gains(shapes: Sequence[Shape]) -> str:
    def percent(value: float) -> str:
        return f"{value:.0%}"

    lines = [
        Line(_plain(shape.candidate), [(step / (len(shape.gains) - 1), held) for step, held in enumerate(shape.gains)])
        for shape in shapes
    ]
    highest = max(max(shape.gains) for shape in shapes)
    across = Axis(_axis("customers"), 0.0, 1.0, percent)
    return line_chart(_title("gains"), across, Axis(_axis("outcomes"), 0.0, max(1.0, highest), percent), lines, diagonal=True)


def _lift(shapes: Sequence[Shape]) -> str:
    lines = []
    for number, shape in enumerate(shapes):
        mean = _mean(shape)
        points = [(place + 1.0, band.actual / mean if mean else 0.0) for place, band in enumerate(shape.deciles)]
        lines.append(Line(_plain(shape.candidate), points, marks=number == 0))
    most = max(len(shape.deciles) for shape in shapes)
    up = axis(_axis("lift"), [lift for line in lines for _, lift in line.points], lambda value: f"{value:g}")
    return line_chart(_title("lift"), Axis(_axis("tenth"), 0.5, most + 0.5, lambda value: f"{value:.0f}"), up, lines)


def _deciles(shape: Shape, numbers: Numbers, is_money: bool) -> str:
    total = sum(band.actual * band.customers for band in shape.deciles)
    mean, held, rows = _mean(shape), 0.0, []
    for number, band in enumerate(shape.deciles, 1):
        held += band.actual * band.customers
        ends = f"{numbers.outcome(band.lower, is_money)} … {numbers.outcome(band.upper, is_money)}"
        cells = (
            str(number), f"{band.customers:,}", numbers.outcome(band.predicted, is_money),
            numbers.outcome(band.actual, is_money), ends, f"{band.actual / mean:.2f}" if mean else "–",
            f"{held / total:.1%}" if total else "–",
        )  # fmt: skip
        rows.append(cells)
    names = ("decile", "customers", "predicted", "actual", "interval", "lift", "cumulative")
    return heading("deciles") + _table([word("column", name) for name in names], rows)


def _mean(shape: Shape) -> float:
    customers = sum(band.customers for band in shape.deciles)
    return sum(band.actual * band.customers for band in shape.deciles) / customers if customers else 0.0


def importances(listed: Sequence[Importance]) -> str:
    """Bars, the largest first."""
    if not listed:
        return ""
    ranked = sorted(listed, key=lambda found: (-abs(found.value), found.name))[:MOST_INPUTS]
    bars = [(found.label.en, found.label.zh, found.value) for found in ranked]
    return heading("importances") + bar_chart(_title("importances"), bars, lambda value: f"{value:.3g}")


def effects(listed: Sequence[Effect], numbers: Numbers, is_money: bool) -> str:
    """Small charts side by side, on one common scale, so that a flat one is seen to be flat."""
    drawable = [found for found in listed if len(found.values) > 1]
    if not drawable:
        return ""
    up = axis(
        _axis("predicted"),
        [value for found in drawable for value in found.predictions],
        numbers.money_on_axis if is_money else (lambda value: f"{value:.0%}"),
        from_zero=False,
    )
    charts = []
    for found in drawable:
        across = axis("", found.values, numbers.value_of(found.name), from_zero=False)
        line = Line(found.label.en, list(zip(found.values, found.predictions, strict=True)), marks=True)
        drawn = line_chart(found.label.en, across, up, [line], size=(306, 210))
        charts.append(f'<div class="chart small"><p class="caption">{both(found.label)}</p>{drawn}</div>')
    return f'{heading("effects")}<div class="charts">{"".join(charts)}</div>'


def drift(listed: Sequence[Drift]) -> str:
    """Inputs that changed most first."""
    if not listed:
        return ""
    order = {"stop": 0, "warn": 1}
    ranked = sorted(listed, key=lambda found: (order.get(found.level, 2), -(found.psi or 0.0), found.name))
    rows = [
        (
            found.name, "–" if found.psi is None else f"{found.psi:.3f}", f"{found.null_share_training:.1%}",
            f"{found.null_share_now:.1%}", f"{word('level', found.level).en} {word('level', found.level).zh}",
        )
        for found in ranked[: 2 * MOST_INPUTS]
    ]  # fmt: skip
    names = ("input", "psi", "null_training", "null_now", "level")
    return heading("drift") + _table([word("column", name) for name in names], rows)


def matured(listed: Sequence[Matured], numbers: Numbers, is_money: bool) -> str:
    """One row for each past date whose horizon has passed."""
    if not listed:
        return ""
    rows = [
        (
            found.scored_as_of.isoformat(), f"{found.customers:,}", numbers.outcome(found.predicted, is_money),
            numbers.outcome(found.actual, is_money),
            f"{numbers.outcome(found.lower, is_money)} … {numbers.outcome(found.upper, is_money)}",
        )
        for found in sorted(listed, key=lambda found: found.scored_as_of)
    ]  # fmt: skip
    names = ("scored_as_of", "customers", "predicted", "actual", "interval")
    return heading("matured") + _table([word("column", name) for name in names], rows)


def further(tables: Sequence[Table]) -> str:
    """Tables that a kind brings itself."""
    parts = []
    for table in tables:
        note = f'<p class="quiet">{both(table.note)}</p>' if table.note else ""
        parts.append(f"<h3>{both(table.title)}</h3>{note}{_table(table.columns, table.rows)}")
    return "".join(parts)


def chapter(found: Chapter, numbers: Numbers) -> str:
    """One model, from its decision to its drift."""
    fallback = f'<p class="note warning">{both(word("state", "fallback"))}</p>' if found.is_fallback else ""
    version = f'<p class="quiet">{escape(found.model_version)}</p>' if found.model_version else ""
    decision = f"<p>{escape(found.decision)}</p>" if found.decision else ""
    parts = [
        f'<h2 id="{escape(found.kind)}">{both(word("kind", found.kind))}</h2><p>{both(meaning("kind", found.kind))}</p>',
        version, decision, fallback, notes(found.notes), facts(found.facts),
        evaluation(found.evaluation, numbers, found.is_money) if found.evaluation else "",
        importances(found.importances), effects(found.effects, numbers, found.is_money), drift(found.drift),
        matured(found.matured, numbers, found.is_money), further(found.tables),
    ]  # fmt: skip
    return f"<section>{''.join(parts)}</section>"


def heading(key: str) -> str:
    """Heading of a section with what it means."""
    return f'<h3>{both(word("heading", key))}</h3><p class="quiet">{both(meaning("heading", key))}</p>'


def _figure(key: str, drawn: str) -> str:
    return f'<div class="chart">{heading(key)}{drawn}</div>'


def _table(columns: Sequence[Text], rows: Sequence[Sequence[str]]) -> str:
    head = "".join(f"<th>{both(column)}</th>" for column in columns)
    body = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    return f'<div class="wide"><table><tr>{head}</tr>{body}</table></div>'


def _rank(candidate: str) -> tuple[bool, int, str]:
    """Ours first, then in the order of the words."""
    return candidate not in OURS, place("candidate", candidate), candidate


def _candidate(name: str) -> str:
    return both(word("candidate", name))


def _plain(name: str) -> str:
    found = word("candidate", name)
    return f"{found.en} {found.zh}".strip()


def _axis(name: str) -> str:
    found = word("axis", name)
    return f"{found.en} {found.zh}"


def _title(name: str) -> str:
    return word("heading", name).en
