"""Random histories of pushes: days, plans, withdrawals, guards that hold back, approvals, deaths, and tools that follow all of it."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import strategies as st

from retention import campaigns
from retention.privacy.consent import sync_consent
from tests import oracle
from tests.consumers.tools import Differencing, Polling
from tests.retention.campaigns.conftest import KEYS, TODAY, Company, settings
from tests.retention.campaigns.decided import PLAYS, Choice, consent_everybody, decide

PEOPLE = range(1, 9)
DAYS = 12
POINTS = ("push.staged", "push.judged", "push.removed", "push.before_commit", "push.committed", "push.before_receipt_commit")

memberships = st.builds(
    Choice,
    play=st.sampled_from(sorted(PLAYS)),
    key=st.sampled_from(PEOPLE),
    period=st.sampled_from("12"),
    offer=st.sampled_from(["none", "10_percent"]),
    valid_days=st.sampled_from([1, 3, 40]),
    begins_on=st.sampled_from([TODAY - timedelta(days=days) for days in (DAYS, DAYS - 2, 3)]),
)
plans = st.lists(memberships, max_size=14, unique_by=lambda choice: (choice.play, choice.key))
steps = st.one_of(
    st.tuples(st.just("next day"), plans),
    st.tuples(st.just("same day"), plans),
    st.tuples(st.just("approve"), st.none()),
    st.tuples(st.just("withdraw"), st.sampled_from([*PEOPLE])),
    st.tuples(st.just("die"), st.tuples(st.sampled_from(POINTS), plans)),
    st.tuples(st.just("older day"), plans),
)
histories = st.lists(steps, min_size=2, max_size=8)


@dataclass
class History:
    """One company living through some steps, watched by two tools."""

    company: Company
    differencing: Differencing
    polling: Polling
    said_no: set[int] = field(default_factory=set)
    pushes: int = 0

    def step(self, what: str, given: Any) -> None:
        """Let one thing happen; afterwards everything must hold."""
        company = self.company
        if what == "next day" and company.as_of_date < TODAY:
            company.as_of_date += timedelta(days=1)
        if what in ("next day", "same day"):
            self.push(given)
        elif what == "older day":
            self.older(given)
        elif what == "approve":
            try:
                campaigns.approve(company.warehouse, company.run().business_date, "Wu", "meant")
            except campaigns.NothingToApprove:
                return
            company.push()
        elif what == "withdraw":
            self.said_no.add(given)
            names = {number: name for name, number in KEYS.items()}
            company.consent(names[given], "marketing", "withdrawn")
            sync_consent(company.run(task_id="consent"), datetime.now(UTC))
        elif what == "die":
            point, plan = given
            with pytest.MonkeyPatch.context() as patch:
                patch.setenv("RETENTION_FAILPOINTS", f"{point}:raise")
                with contextlib.suppress(RuntimeError):
                    self.push(plan)
            self.check()
            company.push()
        self.check()

    def push(self, plan: list[Choice]) -> None:
        """Decide and push the day."""
        decide(self.company, plan, population=20)
        self.pushes += 1
        self.company.push()

    def older(self, plan: list[Choice]) -> None:
        """A backfill of the day before: nothing goes out."""
        company, day = self.company, self.company.as_of_date
        if not company.ask(
            "select 1 from marketing.push_state where business_date = :day", company.marketing, day=day - timedelta(days=1)
        ):
            return
        company.as_of_date = day - timedelta(days=1)
        before = company.ask("select max(sequence) from marketing.audience_change", company.marketing)
        decide(company, plan, population=20)
        assert "older than" in company.push()["skipped"]
        assert company.ask("select max(sequence) from marketing.audience_change", company.marketing) == before
        company.as_of_date = day

    def check(self) -> None:
        """The copy made from differences is the full audience; each key was sent once, and to nobody who had said no before."""
        self.differencing.follow()
        columns = "campaign, customer_key, send_key, channel, offer, valid_from, valid_until, joined_on"
        held = self.company.ask(f"select {columns} from marketing.campaign_audience", self.company.marketing)
        copied = {tuple(row[name] for name in columns.split(", ")) for row in self.differencing.members.values()}
        assert copied == set(held), "the audience and its replayed differences differ"
        sent = self.polling.run()
        promised = {send_key for send_key in sent if int(send_key.rpartition("|")[2]) in self.said_no}
        assert {key for key in promised if PLAYS[key.partition("|")[0]] == "promotional"} == set(), "said no before"
        assert len(self.polling.provider.asked) == len(set(self.polling.provider.asked)), "sent twice"


def live(company: Company, history: list[tuple[str, Any]], minimum_rows: int) -> History:
    """Live through a history and return it, checked after every step and by the oracle at the end."""
    company.as_of_date = TODAY - timedelta(days=DAYS)
    company.settings = settings(guard_minimum_rows=minimum_rows)
    consent_everybody(company, PEOPLE)
    url = company.marketing.url.render_as_string(hide_password=False)
    lived = History(company, Differencing(url), Polling(url))
    for what, given in history:
        lived.step(what, given)
    found = oracle.violations(company.warehouse.url.render_as_string(hide_password=False), url)
    # Decisions are written by hand: what a plan promises of them is not asked here.
    of_plans = ("beyond one per customer", "do not add up", "masks")
    unexpected = [line for line in found if not any(words in line for words in of_plans)]
    assert unexpected == [], unexpected
    return lived
