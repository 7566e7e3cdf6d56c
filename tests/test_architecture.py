"""The layout holds: imports point one way, the product knows nothing of Airflow, files lie where they belong."""

from __future__ import annotations

import ast
import gc
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from retention.warehouse import all_contracts

ROOT = Path(__file__).resolve().parents[1]

STAGES = [
    "yaml_text",
    "settings_campaigns",
    "settings_models",
    "settings_health",
    "settings",
    "deployment",
    "alerts",
    "exports",
    "warehouse",
    "privacy",
    "sources",
    "quality",
    "identity",
    "conform",
    "features",
    "models",
    "evaluate",
    "segments",
    "campaigns",
    "measurement",
    "console",
    "samples",
    "report",
    "doctor",
    "installation",
    "streams",
    "pipeline",
    "whole_day",
    "supervisor",
    "cli",
]
"""The order of the flow: a stage may import what stands before it, never what stands after it."""

DAG_IMPORTS = {"__future__", "airflow", "collections", "datetime", "pendulum", "retention_airflow", "typing"}
"""What a DAG file may import at its top level; the product is imported inside tasks, by the plugin package."""

HEAVY = {"pandas", "sklearn", "great_expectations", "numpy", "scipy", "pyarrow", "sqlalchemy"}
"""Never imported while Airflow parses a DAG file: parsing happens every few seconds."""


def python_files(folder: str) -> list[Path]:
    """Python files of one folder, however deep."""
    return sorted(path for path in (ROOT / folder).rglob("*.py") if "__pycache__" not in path.parts)


def parsed(path: Path) -> ast.Module:
    """Parse a file with the garbage collector off: what a finaliser of another test does meanwhile makes Python 3.11 give up."""
    gc.disable()
    try:
        return ast.parse(path.read_text(), str(path))
    finally:
        gc.enable()


def imports(path: Path, top_level_only: bool = False) -> Iterator[tuple[str, int]]:
    """Yield (absolute module name, line) of each import of a file; relative imports are resolved."""
    tree = parsed(path)
    package = path.relative_to(ROOT).with_suffix("").parts[:-1]
    nodes = tree.body if top_level_only else ast.walk(tree)
    for node in nodes:
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, node.lineno
        elif isinstance(node, ast.ImportFrom):
            if node.level:
                base = ".".join(package[: len(package) - node.level + 1])
                module = f"{base}.{node.module}" if node.module else base
            else:
                module = node.module or ""
            if module == "retention":
                for alias in node.names:
                    yield f"retention.{alias.name}", node.lineno
            else:
                yield module, node.lineno


def stage_of(module: str) -> str | None:
    """The stage a module belongs to, or None for what is not part of the product."""
    parts = module.split(".")
    return parts[1] if parts[0] == "retention" and len(parts) > 1 else None


def own_stage(path: Path) -> str:
    """The stage in which a file of the product lies."""
    return path.relative_to(ROOT / "retention").parts[0].removesuffix(".py")


def backward_imports(sources: dict[Path, list[tuple[str, int]]]) -> list[str]:
    """Imports that point from an earlier stage to a later one."""
    found = []
    for path, modules in sources.items():
        own = own_stage(path)
        if own in {"__init__", "__main__"}:
            continue
        for module, line in modules:
            other = stage_of(module)
            if other in STAGES and STAGES.index(other) > STAGES.index(own):
                found.append(f"{path.relative_to(ROOT)}:{line} imports {module}")
    return found


def test_every_part_of_the_product_has_a_place_in_the_order() -> None:
    parts = {own_stage(path) for path in python_files("retention")} - {"__init__", "__main__"}
    assert parts == set(STAGES)


def test_a_stage_imports_only_earlier_stages() -> None:
    sources = {path: list(imports(path)) for path in python_files("retention")}
    assert len(sources) > 40, "found too few files: is the test looking at the right folder?"
    assert backward_imports(sources) == []


def test_the_rule_sees_an_import_that_points_backward() -> None:
    path = ROOT / "retention" / "features" / "build.py"
    assert backward_imports({path: [("retention.campaigns.plan", 3), ("retention.warehouse", 4)]}) == [
        "retention/features/build.py:3 imports retention.campaigns.plan"
    ]


def test_the_product_imports_nothing_of_airflow() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{line}"
        for path in python_files("retention")
        for module, line in imports(path)
        if module.split(".")[0] in {"airflow", "retention_airflow", "dags", "tests"}
    ]
    assert found == []


@pytest.mark.parametrize("path", python_files("dags"), ids=lambda path: path.stem)
def test_a_dag_file_imports_only_airflow_and_what_dag_files_share(path: Path) -> None:
    roots = {module.split(".")[0] for module, _ in imports(path, top_level_only=True)}
    assert roots <= DAG_IMPORTS, f"{path.name}: {sorted(roots - DAG_IMPORTS)} does not belong in a DAG file"
    inside = {module for module, _ in imports(path) if module.split(".")[0] not in DAG_IMPORTS}
    assert inside <= {"retention.pipeline"}, f"{path.name}: a task calls the pipeline, not {sorted(inside)}"


@pytest.mark.parametrize("path", python_files("plugins"), ids=lambda path: path.stem)
def test_plugins_import_nothing_heavy_while_airflow_parses(path: Path) -> None:
    tops = {module.split(".")[0] for module, _ in imports(path, top_level_only=True)}
    assert not tops & HEAVY


def test_there_are_dag_files() -> None:
    assert len(python_files("dags")) >= 10


def test_every_view_has_its_query() -> None:
    missing = [c.table for c in all_contracts().values() if c.kind == "view" and not c.path.with_suffix(".sql").exists()]
    assert missing == []


def test_every_module_says_what_it_is_for() -> None:
    silent = [
        str(path.relative_to(ROOT))
        for path in python_files("retention")
        if path.name != "__main__.py" and ast.get_docstring(parsed(path)) is None
    ]
    assert silent == []


def test_no_module_is_longer_than_four_hundred_lines() -> None:
    long = {
        str(path.relative_to(ROOT)): len(path.read_text().splitlines())
        for folder in ("retention", "dags", "plugins")
        for path in python_files(folder)
    }
    assert {name: lines for name, lines in long.items() if lines > 400} == {}


def tracked_text_files() -> list[Path]:
    """Text files that Git knows of."""
    listing = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True)
    names = [ROOT / name for name in listing.stdout.split("\0") if name]
    suffixes = {".py", ".md", ".yml", ".yaml", ".toml", ".sql", ".txt", ".sh", ".json", ".cfg", ".ini", ""}
    return [path for path in names if path.suffix in suffixes and path.is_file()]


MACHINE_FACTS = re.compile(
    r"""
    (?<![\w.:/])/(?:root|work|home/\w+|Users/\w+)/      # somebody's own folders
    | \b(?:p[y]pi\.org|pythonho[s]ted\.org|registry\.np[m]js\.org|crat[e]s\.io)\b   # where packages come from is the reader's choice
    | --(?:extra-)?index-url
    """,
    re.VERBOSE,
)


def test_no_file_names_a_machine_or_a_package_registry() -> None:
    files = tracked_text_files()
    assert len(files) > 20
    found = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in files
        if path != Path(__file__)
        for number, line in enumerate(path.read_text(errors="replace").splitlines(), start=1)
        if MACHINE_FACTS.search(line)
    ]
    assert found == []


@pytest.mark.parametrize(
    "line", ["see /" + "root/project/x", "--index-url https://example.test", "from " + "pi.org".join(["py", ""])]
)
def test_the_rule_sees_what_it_is_meant_to_see(line: str) -> None:
    assert MACHINE_FACTS.search(line)


def test_nothing_is_left_unfinished() -> None:
    pattern = re.compile(r"\b(?:TODO|FIXME)\b|\braise NotImplementedError\b")
    found = [
        f"{path.relative_to(ROOT)}:{number}"
        for folder in ("retention", "dags", "plugins", "include")
        for path in sorted((ROOT / folder).rglob("*"))
        if path.suffix in {".py", ".sql", ".yml", ".yaml"}
        for number, line in enumerate(path.read_text().splitlines(), start=1)
        if pattern.search(line)
    ]
    assert found == []
