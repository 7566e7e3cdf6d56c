"""docs/dags.md from the DAG files, as Airflow itself reads them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from retention.settings import load_settings

ROOT = Path(__file__).resolve().parents[2]
MARK = "=== page ===\n"

INTRODUCTION = """# DAG reference

What runs when, and in which order. DAGs hand over by assets that are partitioned by the business day: the picture of the
product is the asset graph in Airflow's UI. Every task may be run again at any time.

Generated from the files in `dags/` by `make docs`.

| DAG | starts | tasks |
|---|---|---|
"""


def environment(home: Path) -> dict[str, str]:
    """Return the environment in which Airflow reads the DAG files without an installation of its own."""
    return {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW_HOME_FOR_DOCS": "1",
        "AIRFLOW__CORE__DAGS_FOLDER": str(ROOT / "dags"),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(ROOT / "plugins"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home}/airflow.db",
        "PYTHONPATH": f"{ROOT}:{ROOT / 'plugins'}",
        "PYTHONWARNINGS": "ignore",
    }


def page() -> str:
    """Return the page; run it in the environment of :func:`environment`."""
    from airflow.models import DagBag

    bag = DagBag(str(ROOT / "dags"))
    if bag.import_errors:
        raise SystemExit("\n".join(f"{Path(name).name}: {error}" for name, error in bag.import_errors.items()))
    chosen = sorted(bag.dags.values(), key=lambda dag: rank(dag.dag_id))
    rows = [f"| [{dag.dag_id}](#{dag.dag_id}) | {schedule(dag)} | {len(dag.tasks)} |\n" for dag in chosen]
    return INTRODUCTION + "".join(rows) + "".join(section(dag) for dag in chosen)


FLOW = [
    "retention_ingest", "retention_features", "retention_score", "retention_segment", "retention_audience",
    "retention_measure", "retention_train", "retention_consent", "retention_complaint_clock", "retention_privacy",
    "retention_health",
]  # fmt: skip


def rank(dag_id: str) -> tuple[int, str]:
    """Order DAGs along the flow."""
    return (FLOW.index(dag_id) if dag_id in FLOW else len(FLOW), dag_id)


def schedule(dag: Any) -> str:
    """Say in words when a DAG starts."""
    timetable = dag.timetable
    kind = type(timetable).__name__
    assets = sorted(set(re.findall(r"name='([^']+)'", repr(getattr(timetable, "asset_condition", "")))))
    if kind == "PartitionedAssetTimetable":
        named = ", ".join(f"`{name}`" for name in assets)
        return f"when {named or 'its assets'} of the same business day {'are' if len(assets) > 1 else 'is'} in"
    cron = getattr(timetable, "_expression", None) or getattr(timetable, "expression", None)
    if cron:
        partition = ", one run per business day" if "Partition" in kind else ""
        return f"by the clock, `{cron}` ({load_settings().company.business_timezone}){partition}"
    return str(getattr(timetable, "summary", kind))


def section(dag: Any) -> str:
    """Return one DAG's part of the page."""
    text = re.sub(r"^(#+) ", lambda match: "##" + match[1] + " ", (dag.doc_md or "").strip(), flags=re.MULTILINE)
    text = re.sub(r"\A###+ ([^\n]*)\n", r"**\1**\n", text)
    owners = ", ".join(sorted({task.owner for task in dag.tasks}))
    facts = f"Starts {schedule(dag)}. Owner: {owners}. Tags: {', '.join(sorted(dag.tags))}.\n"
    lines = [f"\n## {dag.dag_id}\n", text + "\n", facts]
    lines += ["| task | after | tries | at most | publishes |", "|---|---|---|---|---|"]
    for task in dag.topological_sort():
        mapped = " (one per source and entity)" if getattr(task, "is_mapped", False) else ""
        outlets = ", ".join(f"`{outlet.name}`" for outlet in getattr(task, "outlets", None) or [])
        limit = getattr(task, "execution_timeout", None)
        after = ", ".join(sorted(task.upstream_task_ids))
        lines.append(f"| `{task.task_id}`{mapped} | {after} | {int(task.retries) + 1} | {limit or ''} | {outlets} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    print(MARK + page(), end="")
