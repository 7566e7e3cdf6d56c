"""Names and types of the views are a promise to whoever built a dashboard on them."""

from __future__ import annotations

from pathlib import Path

from docs.generators.bi_columns import PATH, changed, current, page, published

CHANGELOG = Path(__file__).parents[3] / "CHANGELOG.md"


def test_what_was_published_is_there_or_the_changelog_says_what_became_of_it() -> None:
    silent = [name for name in changed(published(), current()) if name not in CHANGELOG.read_text()]
    assert silent == [], "readers would miss these: keep them, or name each as bi.view.column in CHANGELOG.md"


def test_what_is_new_is_written_down() -> None:
    assert PATH.read_text() == page(), "docs/bi-columns.csv is out of date: run `make docs`"
    assert len(published()) > 400


def test_a_column_that_is_renamed_or_retyped_is_noticed() -> None:
    """The guard against its own silence: rename one column and change the type of another."""
    now = current()
    renamed = {key: value for key, value in now.items() if key != ("bi.customer", "service_tier")}
    renamed["bi.customer", "tier"] = "text"
    renamed["bi.kpi", "value"] = "text"
    assert set(changed(now, renamed)) == {"bi.customer.service_tier", "bi.kpi.value"}


def test_writing_the_list_anew_never_forgets_what_was_published() -> None:
    assert page().count("\n") == len({**published(), **current()}) + 1
