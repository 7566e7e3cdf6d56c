"""docs/kpis.md: every KPI with its definition, from the contract of ``bi.kpi_value``."""

from __future__ import annotations

from typing import Any

from retention.warehouse import load_contract

HEAD = """# KPIs 关键指标

Every KPI, with one definition. Computed in SQL (`include/sql/bi/_kpi_*.sql`), checked by hand on a company of a few people
(`tests/retention/measurement`), read as `bi.kpi`. The same texts are in the database: `select * from bi.kpi_definition`.

* **Per day and per month.** Each business day has its figures for the day and for its month to date; those of a month are final
  as of the first day of the next.
* **Under every heading.** {dimensions}
* **Late data restate the past visibly.** What a day or month was first shown as, what it is known as now, and by how much it
  moved is in `bi.kpi_restated`.
* **Small groups are hidden**, with whatever they could be worked out from ([BI tools](bi.md#small-groups-and-differences)).
* Money is in minor units of the base currency; a share is between 0 and 1.

Generated from `include/sql/bi/kpi_value.yml` by `make docs`.

| KPI | 指标 | name | unit | formula | 计算方法 |
|---|---|---|---|---|---|
"""


def page() -> str:
    """Return the page."""
    contract = load_contract("bi.kpi_value")
    defined: dict[str, dict[str, Any]] = contract.column("kpi").extra["values"]
    dimensions = contract.column("dimension").description
    texts = ("label", "label_zh", "name", "unit", "formula", "formula_zh")
    rows = [
        "| " + " | ".join(_cell(kpi[text]) for text in texts) + " |\n"
        for kpi in ({**definition, "name": f"`{name}`"} for name, definition in defined.items())
    ]
    return HEAD.format(dimensions=dimensions[0].upper() + dimensions[1:] + ".") + "".join(rows)


def _cell(text: str) -> str:
    """Return a text that does not end its cell."""
    return text.replace("|", "/")
