"""What the ordinary tests ask of a target in SQLite, asked of PostgreSQL and MariaDB: the same stories, another dialect."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.retention.campaigns import test_targets as ordinary
from tests.retention.campaigns.conftest import Company, light, shared_databases
from tests.retention.campaigns.test_targets import make_target, mysql, pushed

__all__ = ["light", "make_target", "mysql", "pushed", "shared_databases"]

STORIES = (
    ordinary.test_a_stale_feed_and_expired_rows_show_nobody,
    ordinary.test_somebody_changed_what_is_there,
    ordinary.test_the_erased_are_forgotten_and_their_tools_told,
)


@pytest.mark.faults
@pytest.mark.parametrize("kind", ["postgresql", "mariadb"])
@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.__name__.removeprefix("test_"))
def test_story(story: Callable[..., None], kind: str, pushed: Company, make_target: Callable[[str], str]) -> None:
    story(pushed, make_target(kind))


@pytest.mark.faults
@pytest.mark.parametrize("kind", ["postgresql", "mariadb"])
def test_a_dead_feed(kind: str, pushed: Company, make_target: Callable[[str], str], monkeypatch: Any) -> None:
    ordinary.test_a_dead_feed_is_finished_by_the_next(pushed, make_target(kind), monkeypatch)
