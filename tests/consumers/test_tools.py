"""The three reference consumers against real pushes: each message once, nobody who said no, the copy equal to the audience."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from retention.privacy.consent import sync_consent
from retention.warehouse import Warehouse
from retention.warehouse.embedded import EmbeddedPostgres
from tests.consumers.tools import Claiming, Differencing, Polling, Provider
from tests.retention.campaigns.conftest import Company
from tests.retention.campaigns.decided import Choice, consent_everybody, decide, light_company, two_databases


@pytest.fixture(scope="module")
def databases(server: EmbeddedPostgres, templates: dict[str, str]) -> Iterator[tuple[Warehouse, Warehouse]]:
    with two_databases(server, templates) as made:
        yield made


@pytest.fixture
def company(databases: tuple[Warehouse, Warehouse]) -> Company:
    """Four in win_back, pushed; everybody agreed."""
    company = light_company(databases)
    consent_everybody(company, range(1, 21))
    decide(company, [Choice("win_back", key) for key in (1, 2, 3, 4)])
    company.push()
    return company


def url(company: Company) -> str:
    return company.marketing.url.render_as_string(hide_password=False)


def withdraw(company: Company, name: str) -> None:
    company.consent(name, "marketing", "withdrawn")
    sync_consent(company.run(task_id="consent"), datetime.now(UTC))


def key(number: int, period: str = "1") -> str:
    return f"win_back|email|{period}|{number}"


def held(company: Company) -> dict[tuple[str, int], str]:
    rows = company.ask("select campaign, customer_key, send_key from marketing.campaign_audience", company.marketing)
    return {(campaign, customer): send_key for campaign, customer, send_key in rows}


def test_polling_sends_each_key_once(company: Company) -> None:
    """Read as often as it likes; Ana withdrew in time; the next period of Bo is another key, and another message."""
    withdraw(company, "Ana")
    tool = Polling(url(company))
    assert tool.run() == [key(2), key(3), key(4)]
    assert tool.run() == []
    company.next_day()
    decide(company, [Choice("win_back", 2), Choice("win_back", 5)])
    company.push()
    assert tool.run() == [key(5)]
    assert tool.provider.asked == tool.provider.delivered
    assert company.ask("select count(*) from marketing.campaign_event where kind = 'sent'", company.marketing) == [(4,)]


def test_following_by_difference_is_the_audience(company: Company) -> None:
    """Who joins, leaves, changes and begins anew: the copy is the audience after every push, and messages ask first."""
    tool = Differencing(url(company))
    assert (tool.follow(), tool.follow()) == (4, 0)
    assert {place: row["send_key"] for place, row in tool.members.items()} == held(company)
    company.next_day()
    decide(company, [Choice("win_back", 1, offer="10_percent"), Choice("win_back", 2), Choice("care", 3)])
    company.push()
    assert tool.follow() == 4, "one changed, two left, one joined"
    assert {place: row["send_key"] for place, row in tool.members.items()} == held(company)
    assert tool.members["win_back", 1]["offer"] == "10_percent"
    withdraw(company, "Ana")
    assert sorted(tool.run()) == ["care|email|1|3", key(2)], "Ana is in the copy, and is not written to"
    assert tool.run() == []


def test_two_workers_never_claim_the_same(company: Company) -> None:
    company.next_day()
    decide(company, [Choice("win_back", number) for number in range(1, 21)])
    company.push()
    provider = Provider()
    workers = [Claiming(url(company), provider, name=f"worker {number}") for number in range(3)]
    start = threading.Barrier(len(workers))

    def work(worker: Claiming) -> None:
        start.wait()
        while worker.claim(3):
            worker.deliver()

    threads = [threading.Thread(target=work, args=(worker,)) for worker in workers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(provider.asked) == sorted(key(number) for number in range(1, 21))


def test_a_worker_that_died_is_finished_without_a_second_message(company: Company) -> None:
    """Died before the claim was kept: the rows are offered again. Died after it, in the middle of sending: the outbox is sent again."""
    worker = Claiming(url(company))
    with pytest.raises(RuntimeError, match="died"), worker.connect() as connection:
        connection.execute("insert into marketing.acknowledgement (send_key, tool) values (%s, 'mailer')", [key(1)])
        raise RuntimeError("died before it committed")
    assert worker.claim(2) == [key(1), key(2)]
    worker.provider.send(worker.outbox[0])  # handed over, and died before it noted so
    restarted = Claiming(url(company), worker.provider, outbox=worker.outbox)
    restarted.deliver()
    assert worker.provider.asked == [key(1), key(1), key(2)]
    assert worker.provider.delivered == [key(1), key(2)]
    assert restarted.claim() == [key(3), key(4)]


def test_a_withdrawal_stops_everything_but_what_is_claimed(company: Company) -> None:
    """Whoever withdraws after the claim is in the outbox, by key; nobody else is reached."""
    worker = Claiming(url(company))
    worker.claim(1)
    withdraw(company, "Ana")
    withdraw(company, "Bo")
    assert worker.outbox == [key(1)], "what can still be stopped by hand"
    assert worker.claim() == [key(3), key(4)]
