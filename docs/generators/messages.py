"""docs/messages.md: every message of the program with the heading of the runbook it leads to, from the code itself.

What is found is what is written: the text with which an error is raised or made, with `…` where a value stands. Texts that
are put together elsewhere are not listed; the heading at their end leads to the runbook all the same.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ("retention", "plugins", "dags")
LONGEST = 170
"""Characters of a message that are shown: enough to recognise it."""

HEAD = """# Messages

Every message of the program, by its first words, with the heading of the [runbook](runbook.md) that says what it means and
what to do. `…` stands for what the message names: a table, a date, a count, a file. Look for words that are no such value.

Every error also ends with its heading: `See docs/runbook.md#…`.

Generated from the code by `make docs`.

| message | what to do |
|---|---|
"""


def page() -> str:
    """Return the page."""
    found = sorted(messages(), key=lambda entry: (re.sub(r"[^a-z0-9]", "", entry[0].replace("…", "").lower()), entry))
    return HEAD + "".join(f"| {text} | [{slug}](runbook.md#{slug}) |\n" for text, slug in dict.fromkeys(found))


def messages() -> Iterator[tuple[str, str]]:
    """Yield (text, heading) of every error that is made somewhere in the code."""
    trees = {path: ast.parse(path.read_text(encoding="utf-8")) for path in _files()}
    headings = _headings(trees)
    for path, tree in trees.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and node.args and _name(node.func) in headings:
                slug = _slug(node) or _nearest(headings[_name(node.func)], path)
                text = _text(node.args[0])
                if slug and text and re.search(r"[a-z]{3}", text.replace("…", "")):
                    yield _short(text), slug


def _files() -> list[Path]:
    paths = (path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py"))
    return sorted(path for path in paths if "__pycache__" not in path.parts)


def _headings(trees: Mapping[Path, ast.Module]) -> dict[str, dict[Path, str]]:
    """Return the headings of each class of errors, by where it is; without one of its own it has that of its base."""
    known: dict[str, dict[Path, str]] = {}
    waiting: list[tuple[Path, ast.ClassDef]] = []
    for path, tree in trees.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef):
                slug = _own_heading(node)
                if slug:
                    known.setdefault(node.name, {})[path] = slug
                else:
                    waiting.append((path, node))
    for _ in range(5):  # as deep as errors are made from each other, and more
        for path, node in waiting:
            bases = [_name(base) for base in node.bases if _name(base) in known]
            if bases:
                known.setdefault(node.name, {})[path] = _nearest(known[bases[0]], path)
    return known


def _own_heading(node: ast.ClassDef) -> str | None:
    for line in node.body:
        if isinstance(line, ast.Assign) and any(_name(target) == "runbook" for target in line.targets):
            value = line.value
            return value.value if isinstance(value, ast.Constant) and isinstance(value.value, str) else None
    return None


def _nearest(places: Mapping[Path, str], path: Path) -> str:
    """Return the heading of the class that is nearest to a file, where two classes have the same name."""
    return max(places.items(), key=lambda place: sum(a == b for a, b in zip(place[0].parts, path.parts, strict=False)))[1]


def _name(node: ast.expr) -> str:
    return str(getattr(node, "id", getattr(node, "attr", "")))


def _slug(call: ast.Call) -> str | None:
    """Return the heading that a call names itself."""
    named = [keyword.value for keyword in call.keywords if keyword.arg == "runbook"]
    if _name(call.func) == "RetentionError" and len(call.args) > 1:
        named.append(call.args[1])
    constants = [node.value for node in named if isinstance(node, ast.Constant) and isinstance(node.value, str)]
    return constants[0] if constants else None


def _text(node: ast.expr) -> str:
    """Return a text as written, with … for what is put in."""
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else ""
    if isinstance(node, ast.JoinedStr):
        return "".join(_text(value) if isinstance(value, ast.Constant) else "…" for value in node.values)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return _text(node.left) + (_text(node.right) or "…")
    return ""


def _short(text: str) -> str:
    """Return what fits into a table: the beginning, on one line."""
    line = re.sub(r"(…[ ,:/.-]*){2,}", lambda match: "… " if match[0].endswith(" ") else "…", " ".join(text.split()))
    if len(line) > LONGEST:
        line = line[:LONGEST].rsplit(" ", 1)[0] + " …"
    return re.sub(r"([|<>*_`\[\]])", r"\\\1", line)
