"""The console's files: their weight, where foreign ones come from, what they may not do, and that both languages say the same."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path

import pytest

from tests.browser.site import STATIC

OWN = sorted(path for path in STATIC.rglob("*.js") if "vendor" not in path.parts)
VENDOR = STATIC / "vendor"
FORBIDDEN = re.compile(
    r"\.(?:inner|outer)HTML|insertAdjacentHTML|document\.write|\beval\(|new Function|createContextualFragment|\bon\w+=\"|javascript:|https?://(?!www\.w3\.org/)"
)


def leaves(tree: dict[str, object], prefix: str = "") -> dict[str, str]:
    """Words by their whole key."""
    found: dict[str, str] = {}
    for key, value in tree.items():
        found |= leaves(value, f"{prefix}{key}.") if isinstance(value, dict) else {prefix + key: str(value)}
    return found


def words(language: str) -> dict[str, str]:
    """All words of a language."""
    return leaves(json.loads((STATIC / "i18n" / f"{language}.json").read_text(encoding="utf-8")))


def test_all_files_together_are_under_half_a_megabyte() -> None:
    weight = {str(path.relative_to(STATIC)): path.stat().st_size for path in STATIC.rglob("*") if path.is_file()}
    assert sum(weight.values()) < 500_000, weight


def test_foreign_files_are_as_they_were_when_recorded() -> None:
    """Each has its version, licence and origin on record, and nothing else lies beside them."""
    recorded = json.loads((VENDOR / "vendor.json").read_text(encoding="utf-8"))
    files = {name: digest for library in recorded.values() for name, digest in library["files"].items()}
    assert {path.name for path in VENDOR.iterdir()} == {*files, "vendor.json"}
    assert {name: hashlib.sha256((VENDOR / name).read_bytes()).hexdigest() for name in files} == files
    for name, library in recorded.items():
        assert {"version", "licence", "package", "package_integrity"} <= set(library), name
        assert any("LICENSE" in file for file in library["files"]), name
        assert all(library["version"] in file for file in library["files"]), name


@pytest.mark.parametrize("path", OWN, ids=lambda path: path.name)
def test_text_can_only_become_text(path: Path) -> None:
    """No own module makes elements from strings, evaluates code, or names a foreign address."""
    assert FORBIDDEN.findall(path.read_text(encoding="utf-8")) == []


def test_the_guard_against_html_sees_what_it_forbids() -> None:
    for code in ("node.innerHTML = name", "eval(text)", 'fetch("https://example.com")', "a.insertAdjacentHTML('x', y)"):
        assert FORBIDDEN.search(code), code
    assert not FORBIDDEN.search("node.textContent = name")


def test_pages_hold_no_inline_script_or_style() -> None:
    text = (STATIC / "index.html").read_text(encoding="utf-8")
    assert re.findall(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=", text) == []
    assert re.findall(r'(?:src|href)="(?!static/|#)', text) == []


def test_both_languages_say_the_same_things() -> None:
    """The same keys, the same blanks to fill, and no Chinese sentence with half-width punctuation."""
    english, chinese = words("en"), words("zh")
    assert set(english) == set(chinese)
    blanks = {
        key: (sorted(re.findall(r"\{\w+\}", text)), sorted(re.findall(r"\{\w+\}", chinese[key])))
        for key, text in english.items()
    }
    assert {key: pair for key, pair in blanks.items() if pair[0] != pair[1]} == {}
    assert [text for text in chinese.values() if re.search(r"[\u4e00-\u9fff][,;!?]", text)] == []
    assert [key for key, text in chinese.items() if not text.strip()] == []


def test_every_word_is_there_and_none_is_left_over() -> None:
    """Keys that the modules name exist; keys that exist are named, or made of a name and a state."""
    english = {re.sub(r"\.(one|other)$", "", key) for key in words("en")}
    code = "\n".join(path.read_text(encoding="utf-8") for path in OWN)
    named = set(re.findall(r'"([a-z_]+(?:\.[a-z_0-9]+)*)"', code))
    called = set(re.findall(r'\bt\(\s*"([a-z0-9_.]+)"', code))
    assert called - english == set()
    made = set(re.findall(r"`([a-z]+(?:\.[a-z]+)*[._](?:groups_)?)\$\{", code))
    left = {key for key in english - named if not any(key.startswith(prefix) for prefix in made)}
    assert left == set()


def test_every_module_is_short_and_says_what_it_is_for() -> None:
    for path in OWN:
        text = path.read_text(encoding="utf-8")
        assert text.count("\n") <= 400, path.name
        assert re.match(r"(// @ts-check\n/\*\*|// \w)", text), path.name
