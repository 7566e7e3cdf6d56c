"""Airflow renders templates and shows the result to viewers: no row, and no text of a row, may reach one."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

TEMPLATED = ("{{", "{%", "{#")
OPERATORS = ("Operator", "Sensor")
KNOWN = {
    "{{ task.op_kwargs['source'] }}.{{ task.op_kwargs['entity'] }}",
    "{{ ti.xcom_pull(task_ids='push_audience')['needs_approval'] }}",
}
"""The label of a mapped task: source and entity as the descriptions name them, no row. What waits for approval: names of plays, which
their schema holds to small letters, and counts."""
KNOWN_OPERATORS = {"retention_audience.py": ["ApprovalOperator"]}
"""Asks people; what it shows is the second template above."""


def templates_in(source: str) -> list[str]:
    """Texts of a program, other than its documentation, that a template engine would take for its own."""
    tree = ast.parse(source)
    documentation = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.FunctionDef | ast.ClassDef) and node.body and isinstance(node.body[0], ast.Expr)
    }
    return [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in documentation
        and any(mark in node.value for mark in TEMPLATED)
    ]  # fmt: skip


def operators_in(source: str) -> list[str]:
    """Classic operators a program makes: their fields are rendered, a task function's body is not."""
    calls = [node.func for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
    names = [func.id if isinstance(func, ast.Name) else func.attr if isinstance(func, ast.Attribute) else "" for func in calls]
    return [name for name in names if name.endswith(OPERATORS)]


def programs(project: Path) -> list[Path]:
    """DAG files and what they share."""
    return sorted([*(project / "dags").glob("*.py"), *(project / "plugins").rglob("*.py")])


def test_no_dag_holds_a_template_or_an_operator_that_renders_one(project: Path) -> None:
    found = programs(project)
    assert len(found) > 10
    for path in found:
        source = path.read_text(encoding="utf-8")
        assert (path.name, set(templates_in(source)) - KNOWN, operators_in(source)) == (
            path.name,
            set(),
            KNOWN_OPERATORS.get(path.name, []),
        )


@pytest.mark.parametrize("slip", ['x = "{{ ds }}"', 'f(sql="select {% if x %}")', 'y = f"{{{{ conn.w.password }}}}"'])
def test_a_template_would_be_seen(slip: str) -> None:
    assert templates_in(slip)


def test_an_operator_would_be_seen() -> None:
    assert operators_in("BashOperator(bash_command=name)\nx.SQLExecuteQueryOperator(sql=text)") == [
        "BashOperator", "SQLExecuteQueryOperator",
    ]  # fmt: skip
