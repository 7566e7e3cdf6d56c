"""A look at MySQL and MariaDB, on a real server: read-only, bounded in time, described by the proposal."""

from __future__ import annotations

import pytest

from retention.sources.discovery import Candidate, Unread, discover
from retention.sources.proposal import propose
from tests.retention.sources import mariadb

pytestmark = pytest.mark.skipif(mariadb.missing() is not None, reason=str(mariadb.missing()))


def test_a_new_crm_on_mariadb_is_proposed_and_a_slow_view_given_up() -> None:
    with mariadb.running() as server:
        server.do(None, "create database shop")
        server.do(
            "shop",
            "create table customers (id bigint primary key, name varchar(40), email varchar(80), total decimal(10,2), "
            "updated_at datetime, extra json)",
            "insert into customers values (1, 'Ana', 'ana@example.com', 7.5, now(), '{}'), (2, 'Bo', 'bo@example.com', null, now(), null)",
            "create view slow as select id, sleep(30) as nap from customers",
        )
        found = {one.name: one for one in discover(server.url("shop"), 10, timeout_s=1)}
    customers = found["customers"]
    assert isinstance(found["slow"], Unread)
    assert isinstance(customers, Candidate)
    proposal = propose(customers.sample, customers.name, "Asia/Shanghai")
    assert proposal is not None
    assert (proposal.entity, proposal.key, proposal.cursor) == ("customer", ("id",), "updated_at")
    assert proposal.mapping["email"] == "email"
    assert customers.sample.is_typed is False  # extraction reads this server as text, so its types are not compared
