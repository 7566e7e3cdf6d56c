# ruff: noqa: E501 - one bad row a line
"""Rows that no system should hold and every system does: a few in each entity, so that quarantine has something to show.

All are marked as simulated. They break one rule each: dates that do not exist, codes nobody knows, negative amounts, owners who
are not there.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pandas as pd

from retention.samples.timeline import Timeline

NOBODY = "M999999"
"""A customer number that no contact has."""


def poison(timeline: Timeline, card: str, ticket: int, article: int) -> dict[str, list[dict[str, Any]]]:
    """Return the bad rows by table or export, as the source's own columns; ``at`` says when each appears.

    Parameters
    ----------
    card, ticket, article : str, int, int
        A real contact, ticket and article, so that each row breaks the one rule it is meant to break.
    """
    early = pd.Timestamp(timeline.first_day) + timedelta(days=200, hours=12)
    held = pd.Timestamp(timeline.held_days[2]) + timedelta(hours=12)
    return {
        "t_contact": [
            {"contact_no": "X000001", "full_name": "坏日期", "dob": "1985-02-30", "contact_type": "P", "created_on": early, "at": early},
            {"contact_no": "X000002", "full_name": "Wrong Kind", "dob": None, "contact_type": "?", "created_on": early, "at": early},
        ],
        "t_contact_label": [
            {"contact_no": NOBODY, "label": "大客户", "labelled_by": "rule", "labelled_on": early, "at": early},
        ],
        "t_permission": [
            {"permission_id": 9_000_001, "contact_no": card, "topic": "NEWS", "medium": "FAX", "answer": "Y", "answered_on": early, "form": "paper", "at": early},
            {"permission_id": 9_000_002, "contact_no": NOBODY, "topic": "NEWS", "medium": "*", "answer": "N", "answered_on": early, "form": "paper", "at": early},
            {"permission_id": 9_000_003, "contact_no": card, "topic": "NEWS", "medium": "SMS", "answer": "?", "answered_on": held, "form": "paper", "at": held},
        ],
        "t_recommendation": [
            {"rec_id": 9_000_001, "from_contact": NOBODY, "to_text": "somebody", "made_on": early, "reward": 0, "at": early},
            {"rec_id": 9_000_002, "from_contact": card, "to_text": "somebody", "made_on": None, "reward": 0, "at": early},
        ],
        "t_points_book": [
            {"entry_no": 90_000_001, "contact_no": card, "entry_type": "Z", "points": 10, "booked_on": early, "at": early},
            {"entry_no": 90_000_002, "contact_no": card, "entry_type": "E", "points": None, "booked_on": held, "at": held},
        ],
        "t_membership": [
            {"membership_no": "DM99991", "contact_no": NOBODY, "start_day": early, "renew_day": early, "yearly_fee": 49, "curr": "USD", "at": early},
            {"membership_no": "DM99992", "contact_no": card, "start_day": early, "renew_day": early, "yearly_fee": 49, "curr": "usd", "at": early},
        ],
        "t_wallet": [
            {"contact_no": card, "wallet_kind": "gift_card", "on_day": early.normalize(), "balance": 20, "curr": "XXX", "at": early},
        ],
        "t_mail_event": [
            {"event_no": 90_000_001, "mailing": "MAIL-99", "contact_no": card, "medium": "EMAIL", "what": "Q", "happened_on": early, "at": early},
            {"event_no": 90_000_002, "mailing": "MAIL-99", "contact_no": NOBODY, "medium": "EMAIL", "what": "S", "happened_on": held, "at": held},
        ],
        "article": [
            {"article_no": 999_000_001, "title": "Negative price", "list_price": -1, "curr": "USD", "at": early},
        ],
        "ticket": [
            _ticket(99_000_000_001, NOBODY, early, 12.5),
            _ticket(99_000_000_002, card, early, -30),
            {**_ticket(99_000_000_003, card, early, 10), "curr": "XXX"},
            {**_ticket(99_000_000_004, card, early, 10), "opened_on": None, "paid_on": None},
            _ticket(99_000_000_005, NOBODY, held, 20),
        ],
        "ticket_line": [
            {"ticket_no": ticket, "line_no": 901, "article_no": article, "qty": -2, "unit_price": 1, "amount_off": 0, "qty_back": 0, "at": early},
            {"ticket_no": 98_000_000_001, "line_no": 1, "article_no": article, "qty": 1, "unit_price": 1, "amount_off": 0, "qty_back": 0, "at": early},
            {"ticket_no": ticket, "line_no": 902, "article_no": article, "qty": 1, "unit_price": 1, "amount_off": 0, "qty_back": 5, "at": early},
        ],
        "market_figure": [
            {"series": "fx.EUR.CNY", "area": None, "on_day": early.normalize(), "value": -1, "at": early},
        ],
        "complaints": [
            {"case_no": "K990001", "member": card, "level": "L9", "topic": "quality", "text": "?", "open_time": early, "at": early},
            {"case_no": "K990002", "member": NOBODY, "level": "L1", "topic": "service", "text": "?", "open_time": early, "at": early},
            {"case_no": "K990003", "member": card, "level": "L1", "topic": "service", "text": "?", "open_time": "31/02/2017 10:00", "at": early},
            {"case_no": "K990004", "member": card, "level": "L9", "topic": "app", "text": "?", "open_time": held, "at": held},
        ],
        "surveys": [
            {"id": 9_000_001, "member": card, "survey": "nps", "score": "eleven", "at": early},
            {"id": 9_000_002, "member": card, "survey": "csat", "score": 9, "at": early},
            {"id": 9_000_003, "member": card, "survey": "mood", "score": 3, "at": held},
        ],
        "touches": [
            {"touch_id": 90_000_001, "member": card, "medium": "APP", "action": "teleport", "inbound": True, "topic": "product", "at": early},
            {"touch_id": 90_000_002, "member": None, "medium": "APP", "action": "page_view", "inbound": True, "topic": "product", "at": early},
        ],
        "mentions": [
            {"post": "P990001", "site": "weibo", "text": "?", "mood": "angry", "at": early},
        ],
    }  # fmt: skip


def _ticket(number: int, card: str, at: pd.Timestamp, amount: float) -> dict[str, Any]:
    return {
        "ticket_no": number, "card_no": card, "opened_on": at, "paid_on": at, "curr": "USD", "amount_list": amount, "amount_off": 0,
        "amount_refunded": 0, "sales_channel": "POS", "store_no": 1, "at": at,
    }  # fmt: skip
