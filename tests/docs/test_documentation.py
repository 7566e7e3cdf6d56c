"""The documentation says what is so: generated pages are current, links lead somewhere, examples are read."""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from docs.conf import contents
from docs.generate import DOCS, PAGES, render
from docs.generators import dictionary
from docs.generators.settings import undocumented
from retention.warehouse import Warehouse

ROOT = Path(__file__).resolve().parents[2]
MARKDOWN = sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md")])


# -- generated pages ------------------------------------------------------------------------------------------------------
def test_the_data_dictionary_is_current(warehouse: Warehouse, marketing: Warehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    columns = {"warehouse": dictionary.columns_of(warehouse), "marketing": dictionary.columns_of(marketing)}
    monkeypatch.setattr(dictionary, "described", lambda: columns)
    assert len(columns["warehouse"]) > 300
    for name in ("data-dictionary.md", "marketing-contract.md"):
        assert (DOCS / name).read_text() == PAGES[name](), f"docs/{name} is out of date: run `make docs`"


def test_every_table_and_column_says_what_it_is(warehouse: Warehouse, marketing: Warehouse) -> None:
    silent = [
        f"{column['schema_name']}.{column['table_name']}.{column['column_name']}"
        for database in (warehouse, marketing)
        for column in dictionary.columns_of(database)
        if not column["description"] or not column["column_description"]
    ]
    assert silent == []


def test_the_settings_page_is_current() -> None:
    assert (DOCS / "settings.md").read_text() == render("settings.md"), "docs/settings.md is out of date: run `make docs`"
    assert undocumented() == []


def test_the_dag_reference_is_current() -> None:
    assert (DOCS / "dags.md").read_text() == render("dags.md"), "docs/dags.md is out of date: run `make docs`"


def test_the_page_of_messages_is_current() -> None:
    text = render("messages.md")
    assert text.count("\n| ") > 300
    assert (DOCS / "messages.md").read_text() == text, "docs/messages.md is out of date: run `make docs`"


def test_the_page_of_kpis_is_current() -> None:
    assert (DOCS / "kpis.md").read_text() == render("kpis.md"), "docs/kpis.md is out of date: run `make docs`"


def test_every_page_is_in_the_contents_once() -> None:
    """The index is the contents of the site: a page that is not in it is found by nobody."""
    listed = [page for _, pages in contents((DOCS / "index.md").read_text()) for page in pages]
    pages = sorted(str(path.relative_to(DOCS)) for path in DOCS.rglob("*.md") if path.name != "index.md")
    assert sorted(listed) == pages


# -- runbook --------------------------------------------------------------------------------------------------------------
def anchors(text: str) -> set[str]:
    """Anchors of the headings of a Markdown text, as they are made when it is shown."""
    headings = re.findall(r"^#+ +(.+?)\s*$", re.sub(r"```.*?```", "", text, flags=re.DOTALL), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def slugs_in(path: Path) -> Iterator[str]:
    """Headings of the runbook that a Python file sends its readers to."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            named = any(isinstance(t, ast.Name) and t.id == "runbook" for t in targets)
            if named and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
                yield node.value.value
        elif isinstance(node, ast.Call):
            for keyword in node.keywords:
                if keyword.arg == "runbook":
                    constants = [c.value for c in ast.walk(keyword.value) if isinstance(c, ast.Constant)]
                    yield from (value for value in constants if isinstance(value, str))
            name = getattr(node.func, "id", getattr(node.func, "attr", ""))
            if name == "RetentionError" and len(node.args) == 2 and isinstance(node.args[1], ast.Constant):
                yield str(node.args[1].value)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield from re.findall(r"runbook\.md#([a-z0-9-]+)", node.value)


def test_every_error_leads_to_a_heading_of_the_runbook() -> None:
    used: dict[str, str] = {}
    for folder in ("retention", "dags", "plugins"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            used.update(dict.fromkeys(slugs_in(path), str(path.relative_to(ROOT))))
    used.pop("slug", None)
    assert len(used) > 20
    known = anchors((DOCS / "runbook.md").read_text())
    assert {slug: place for slug, place in used.items() if slug not in known} == {}


def test_the_search_for_slugs_sees_each_way_of_writing_one(tmp_path: Path) -> None:
    path = tmp_path / "sample.py"
    path.write_text(
        'class A(RetentionError):\n    runbook = "one"\nraise A("m", runbook="two")\n'
        'raise RetentionError("m", "three")\n"""see docs/runbook.md#four"""\n'
    )
    assert set(slugs_in(path)) == {"one", "two", "three", "four"}


# -- dependencies ---------------------------------------------------------------------------------------------------------
def test_every_dependency_says_what_it_is_for() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    groups = [project["dependencies"], *project["optional-dependencies"].values()]
    wanted = {re.split(r"[\[<>=!~; ]", requirement)[0].lower() for group in groups for requirement in group}
    described = set(re.findall(r"^\| `([^`]+)` \|", (DOCS / "dependencies.md").read_text(), flags=re.MULTILINE))
    assert wanted - described == set(), "add these to docs/dependencies.md"
    assert described - wanted == set(), "remove these from docs/dependencies.md"


# -- links, examples ------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("path", MARKDOWN, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(path: Path) -> None:
    broken = []
    for target in re.findall(r"\]\(([^)\s]+)\)", re.sub(r"```.*?```", "", path.read_text(), flags=re.DOTALL)):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = target.partition("#")
        other = (path.parent / name).resolve() if name else path
        if not other.exists() or (anchor and other.suffix == ".md" and anchor not in anchors(other.read_text())):
            broken.append(target)
    assert broken == []


def test_the_examples_of_sources_are_read_as_written(tmp_path: Path) -> None:
    from retention.sources import load_spec

    blocks = re.findall(r"```yaml\n(source:.*?)```", (DOCS / "own-data.md").read_text(), flags=re.DOTALL)
    assert len(blocks) == 2
    for number, block in enumerate(blocks):
        path = tmp_path / f"{number}.yml"
        path.write_text(block)
        assert load_spec(path).entities


def test_every_command_that_the_documentation_names_exists() -> None:
    from typer.main import get_command

    from retention.cli import app

    known = get_command(app)
    commands: dict[str, set[str]] = {
        name: set(getattr(command, "commands", {})) for name, command in vars(known)["commands"].items()
    }
    for path in MARKDOWN:
        text = path.read_text()
        for first, second in re.findall(
            r"(?:`|^|\| |→ )retention ([a-z][a-z-]*)(?: ([a-z][a-z-]*))?", text, flags=re.MULTILINE
        ):
            assert first in commands, f"{path.name}: retention {first}"
            if commands[first] and second:
                assert second in commands[first], f"{path.name}: retention {first} {second}"


def test_every_make_target_that_the_documentation_names_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE))
    named = {
        (path.name, target)
        for path in MARKDOWN
        for target in re.findall(r"(?:`|^)make ([a-z-]+)", path.read_text(), flags=re.MULTILINE)
    }
    assert {(name, target) for name, target in named if target not in targets} == set()
