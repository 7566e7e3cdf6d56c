"""A CRM behind an API, from its template through validation into core: two days, with a deletion and a deal that falls back."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from retention.conform import publish_core
from retention.quality import validate
from retention.sources import extract, load_spec
from retention.warehouse import Run
from tests.retention.sources.rest.server import Server
from tests.retention.sources.rest.test_zoho import DAY_1, DAY_2, ON_DAY_2, fill, no_waiting, zoho

__all__ = ["no_waiting", "zoho"]  # fixtures


@pytest.mark.slow
def test_two_days_of_zoho_reach_core(zoho: Server, tmp_path: Path, project: Path, make_run: Callable[..., Run]) -> None:
    shutil.copy(project / "include/sources/templates/zoho_crm.yml", tmp_path / "zoho.yml")
    spec = load_spec(tmp_path / "zoho.yml")
    fake: Any = zoho.app
    ids = fill(fake)

    def day(run: Run) -> None:
        for entity in ("customer", "order", "complaint"):
            extract(run, spec, entity, url=zoho.url)
        validate(run)
        publish_core(run)

    def core(run: Run, statement: str) -> list[tuple[Any, ...]]:
        with run.warehouse.connect() as connection:
            return [tuple(row) for row in connection.execute(sa.text(statement))]

    run = make_run(DAY_1)
    day(run)
    assert core(run, "select count(*) from quarantine.row where state = 'open'") == [(0,)]
    assert core(run, "select count(*) from pii.source_customer") == [(4,)]
    paid = "select h.order_id, sum(e.order_count)::int, sum(e.net_minor)::int from core.order_header as h join core.order_entry as e using (order_key) group by 1"
    assert core(run, paid) == [(ids["won"], 1, 120_050)]
    assert core(run, "select severity, text from core.complaint where valid_to is null") == [("severe", "两周没有货")]

    fake.change("Deals", ids["won"], ON_DAY_2, Stage="Closed Lost")
    fake.delete("Cases", ids["case"], ON_DAY_2)
    fake.change("Contacts", ids["Bo"], ON_DAY_2, Email="bo@new.example")
    run = make_run(DAY_2, run_id="run-2")
    day(run)
    assert core(run, "select count(*) from quarantine.row where state = 'open'") == [(0,)]
    assert core(run, paid) == [(ids["won"], 0, 0)]
    assert core(run, "select count(*) from core.complaint where valid_to is null and deleted_at is null") == [(0,)]
    assert core(run, "select email from pii.source_customer where name = 'Bo'") == [("bo@new.example",)]
