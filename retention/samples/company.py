"""The sample company as its three source systems: what each table and export holds at first, and what each held day brings."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pandas as pd

from retention.samples import loyalty, people, sales, service
from retention.samples.journey import Journey, load_journey
from retention.samples.poison import poison
from retention.samples.timeline import Timeline, split

Progress = Callable[[str, float], None]
"""Is told what is being done and the share that is done, 0 to 1."""


@dataclass
class Rows:
    """One table or export: its rows at first, and those of the held days (with ``release_day``)."""

    first: pd.DataFrame
    held: pd.DataFrame


@dataclass
class Company:
    """Everything the three systems hold, by the name of table or export."""

    crm: dict[str, Rows] = field(default_factory=dict)
    sales: dict[str, Rows] = field(default_factory=dict)
    service_desk: dict[str, Rows] = field(default_factory=dict)


def make_company(timeline: Timeline, size: str, progress: Progress) -> Company:
    """Make all rows in memory: purchases as they were, everything else simulated from a fixed seed."""
    progress("reading a year of purchases", 0.0)
    journey = load_journey(timeline, size)
    progress("inventing the people", 0.15)
    contacts = people.make_contacts(journey, timeline)
    leads = people.make_leads(contacts, timeline)
    tickets, lines = sales.make_tickets(journey, contacts)
    progress("inventing complaints, touches and surveys", 0.25)
    cases = service.make_cases(journey, tickets, contacts)
    mails = loyalty.make_mail_events(journey, tickets, timeline)
    company = Company(
        crm=_crm(journey, contacts, leads, tickets, mails, timeline),
        sales=_sales(journey, tickets, lines, timeline),
        service_desk={
            "complaints": _moving(cases, "open_time", service.CASE_CHANGES, "last_change", timeline),
            "surveys": _fixed(service.make_answers(journey, cases, contacts, timeline), "at", None, timeline),
            "touches": _fixed(service.make_touches(journey, tickets, cases, mails, leads, timeline), "at", None, timeline),
            "mentions": _fixed(service.make_mentions(journey, timeline), "at", None, timeline),
        },
    )
    progress("adding a few bad rows", 0.4)
    _spoil(company, contacts, tickets, journey, timeline)
    return company


def _crm(
    journey: Journey,
    contacts: pd.DataFrame,
    leads: pd.DataFrame,
    tickets: pd.DataFrame,
    mails: pd.DataFrame,
    timeline: Timeline,
) -> dict[str, Rows]:
    everyone = pd.concat([contacts, leads], ignore_index=True)
    contact_rows = _fixed(contacts, "created_on", "modified_on", timeline)
    changed = people.change_attributes(contacts, timeline)
    contact_rows.held = pd.concat([contact_rows.held, changed], ignore_index=True)
    labels = people.make_labels(contacts, journey, timeline)
    permissions = people.make_permissions(everyone, timeline)
    points = loyalty.make_points(tickets, timeline)
    return {
        "t_contact": contact_rows,
        "t_lead": _fixed(leads.rename(columns={"contact_no": "lead_no"}), "created_on", "modified_on", timeline),
        "t_contact_label": _moving(labels, "labelled_on", {"dropped_on": ()}, "modified_on", timeline),
        "t_permission": _fixed(permissions, "answered_on", "modified_on", timeline),
        "t_recommendation": _moving(
            loyalty.make_recommendations(journey, leads, timeline),
            "made_on",
            loyalty.RECOMMENDATION_CHANGES,
            "modified_on",
            timeline,
        ),
        "t_points_book": _fixed(points, "booked_on", "modified_on", timeline),
        "t_membership": _moving(
            loyalty.make_memberships(journey, timeline), "entered_on", loyalty.MEMBERSHIP_CHANGES, "modified_on", timeline
        ),
        "t_wallet": _fixed(loyalty.make_wallets(journey, timeline), "booked_on", "modified_on", timeline),
        "t_mail_event": _fixed(mails, "happened_on", "modified_on", timeline),
    }


def _sales(journey: Journey, tickets: pd.DataFrame, lines: pd.DataFrame, timeline: Timeline) -> dict[str, Rows]:
    articles = sales.make_articles(journey, timeline).assign(curr="USD", simulated=False)
    return {
        "article": Rows(articles, sales.restock(articles, timeline)),
        "ticket": _moving(tickets, "opened_on", sales.TICKET_CHANGES, "changed_on", timeline, simulated=None),
        "ticket_line": _moving(lines, "opened_on", sales.LINE_CHANGES, "changed_on", timeline, simulated=None),
        "market_figure": _fixed(sales.make_rates(journey, timeline), "loaded_on", None, timeline),
    }


def _fixed(frame: pd.DataFrame, created: str, changed: str | None, timeline: Timeline) -> Rows:
    """Split rows that never change once they are there."""
    return _moving(frame, created, {}, changed or "last_change", timeline)


def _moving(
    frame: pd.DataFrame, created: str, changes: Any, changed: str, timeline: Timeline, simulated: bool | None = True
) -> Rows:
    if simulated is not None and "simulated" not in frame:
        frame = frame.assign(simulated=simulated)
    return Rows(*split(frame, created, changes, changed, timeline))


def _spoil(company: Company, contacts: pd.DataFrame, tickets: pd.DataFrame, journey: Journey, timeline: Timeline) -> None:
    """Mix the bad rows in, each at its time."""
    known = contacts[contacts["created_on"] < pd.Timestamp(timeline.first_day) + timedelta(days=30)]
    bad = poison(
        timeline,
        card=str(known["contact_no"].iloc[0]),
        ticket=int(tickets["ticket_no"].iloc[0]),
        article=int(journey.products["product_id"].iloc[0]),
    )
    changed = {
        "article": "changed_on",
        "ticket": "changed_on",
        "ticket_line": "changed_on",
        "market_figure": "loaded_on",
        "complaints": "last_change",
    }
    for system in (company.crm, company.sales, company.service_desk):
        for name, rows in system.items():
            for row in bad.get(name, []):
                at = row["at"]
                row = {**row, changed.get(name, "modified_on"): at, "simulated": True}
                day = at.date()
                if at < timeline.released_end:
                    rows.first = _append(rows.first, row)
                else:
                    rows.held = _append(rows.held, {**row, "release_day": day})


def _append(frame: pd.DataFrame, row: dict[str, Any]) -> pd.DataFrame:
    kept = {key: value for key, value in row.items() if key in frame.columns}
    added = pd.DataFrame([kept])
    for column in added.columns:
        if isinstance(added[column].iloc[0], str) and str(frame[column].dtype).startswith("datetime"):
            frame = frame.assign(**{column: frame[column].astype(object)})
    return pd.concat([frame, added], ignore_index=True)
