"""What a play says, compiled to SQL over a customer's attributes: whom it is for, in which period, with what offer."""

from __future__ import annotations

import json
from typing import Any

from retention.campaigns.catalogue import attributes
from retention.campaigns.conditions import Binds, predicate
from retention.campaigns.plays import Play, Rung
from retention.settings import CompanySettings


def matching(play: Play, binds: Binds) -> str:
    """Compile whom a play is for to a SQL predicate over ``attributes`` and ``:as_of_date`` that is never null.

    The audience rule and the trigger, between the play's start and end date, with a known event where the period is one.
    """
    parts = [predicate(play.condition, binds)]
    if play.event:
        parts.append(f"attributes.{attributes()[play.event].name} is not null")
    if play.observe_from is not None:
        parts.append(f"cast(:as_of_date as date) >= cast({binds.add(play.observe_from.isoformat())} as date)")
    if play.observe_until is not None:
        parts.append(f"cast(:as_of_date as date) <= cast({binds.add(play.observe_until.isoformat())} as date)")
    return "\n    and ".join(parts)


def period_of(play: Play) -> str:
    """Compile the period of ``:as_of_date`` to SQL text, or the customer's event; `Play.period_key` says the same in Python."""
    day = "cast(:as_of_date as date)"
    match play.period:
        case "once":
            return "'once'"
        case "week":
            return f"to_char({day}, 'IYYY-\"W\"IW')"
        case "month":
            return f"to_char({day}, 'YYYY-MM')"
        case "quarter":
            return f"to_char({day}, 'YYYY-\"Q\"Q')"
        case "year":
            return f"to_char({day}, 'YYYY')"
        case "event":
            # Escaped, so that a send_key has four parts whatever an event is called, and no two events share one.
            event = f"cast(attributes.{attributes()[str(play.event)].name} as text)"
            return f"replace(replace({event}, '%', '%25'), '|', '%7C')"
    days = int(play.period.removeprefix("days:"))
    return f"cast({day} - ({day} - cast('2000-01-01' as date)) % {days} as text) || '+{days}'"


def offer_terms(rung: Rung, company: CompanySettings) -> str:
    """Return what a rung grants as a JSON object; amounts in minor units of the base currency."""
    terms: dict[str, Any] = {"kind": rung.kind, "label_en": rung.label_en, "label_zh": rung.label_zh}
    if rung.amount is not None:
        terms["amount_minor"] = _minor(rung.amount, company)
        terms["currency"] = company.base_currency
    if rung.percent is not None:
        terms["percent"] = rung.percent
    return json.dumps(terms, ensure_ascii=False, sort_keys=True)


def terms_of(rung: Rung, company: CompanySettings, binds: Binds) -> str:
    """Compile `offer_terms` to SQL text, with what the message needs to know of the customer under ``details``."""
    terms = f"cast({binds.add(offer_terms(rung, company))} as text)"
    if not rung.details:
        return terms
    pairs = ", ".join(f"cast({binds.add(name)} as text), attributes.{attributes()[name].name}" for name in rung.details)
    return f"cast(cast({terms} as jsonb) || jsonb_build_object('details', jsonb_build_object({pairs})) as text)"


def bound_of(rung: Rung, company: CompanySettings, binds: Binds, end: str) -> str:
    """Compile one end of a negotiation: a share of an amount of the customer's, or the fixed amount where there is none."""
    negotiation = rung.negotiation
    if negotiation is None:
        return "cast(null as bigint)"
    fixed = f"cast({binds.add(_minor(getattr(negotiation, end), company))} as bigint)"
    if negotiation.of is None:
        return fixed
    share = binds.add(getattr(negotiation, f"{end}_share"))
    column = f"attributes.{attributes()[negotiation.of].name}"
    return f"coalesce(cast(round(cast({column} as numeric) * cast({share} as numeric)) as bigint), {fixed})"


def _minor(amount: float, company: CompanySettings) -> int:
    minor: int = round(amount * 10**company.base_currency_minor_digits)
    return minor
