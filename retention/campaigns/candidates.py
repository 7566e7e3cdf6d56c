"""Plays compiled to SQL: one SELECT per play that gives the matching customers with offer and reasons."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from retention.campaigns.catalogue import attributes
from retention.campaigns.conditions import Binds, predicate, reasons
from retention.campaigns.plays import Play, Rung
from retention.settings import CompanySettings


def candidate_query(plays: Sequence[Play], company: CompanySettings) -> tuple[str, dict[str, Any]]:
    """Return a query over ``campaigns.customer_attributes`` and its binds: one row per play and matching customer.

    Columns are play, customer_key, event_key, offer, offer_terms, opening_minor, ceiling_minor, reasons_en, reasons_zh.

    Parameters
    ----------
    plays : sequence of Play
        At least one.
    company : CompanySettings
        Currency in which reasons state amounts.
    """
    parts: list[str] = []
    values: dict[str, Any] = {}
    for number, play in enumerate(plays):
        binds = Binds(f"play{number}")
        parts.append(_one(play, company, binds))
        values |= binds.values
    return "\nunion all\n".join(parts), values


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
            return f"cast(attributes.{attributes()[str(play.event)].name} as text)"
    days = int(play.period.removeprefix("days:"))
    return f"cast({day} - ({day} - cast('2000-01-01' as date)) % {days} as text) || '+{days}'"


def play_records(plays: Sequence[Play]) -> str:
    """Return the plays' numbers as the JSON array that decision.sql reads."""
    return json.dumps(
        [
            {
                "play": play.name,
                "kind": play.kind,
                "purpose": play.purpose,
                "period": play.period,
                "priority": play.priority,
                "holdout_share": play.holdout_share,
                "is_capped": play.is_capped,
                "rests_after_complaint": play.kind == "promotional",
                "uses_profiling": play.uses_profiling,
                "valid_days": play.valid_days,
                "max_tries": play.max_tries,
                "tries_since": play.tries_since,
                "keeps_quiet_hours": play.keeps_quiet_hours,
                "capacity_per_day": play.capacity_per_day,
                "content_key": play.content_key,
                "content_hash": play.content_hash,
            }
            for play in plays
        ]
    )


def channel_records(plays: Sequence[Play], company: CompanySettings) -> str:
    """Return the plays' channels by preference, with the cost of a touch, as a JSON array."""
    unit = 10**company.base_currency_minor_digits
    return json.dumps(
        [
            {
                "play": play.name,
                "channel": channel,
                "preference": preference,
                "cost_minor": round(play.cost_per_touch[channel] * unit),
            }
            for play in plays
            for preference, channel in enumerate(play.channels)
        ]
    )


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


def _one(play: Play, company: CompanySettings, binds: Binds) -> str:
    digits, currency = company.base_currency_minor_digits, company.base_currency

    def laddered(value: str, values: Sequence[str]) -> str:
        """First rung that holds."""
        whens = [
            f"when {predicate(rung.when, binds)} then {result}"
            for rung, result in zip(play.ladder, values, strict=True)
            if rung.when is not None
        ]
        return f"{f'case {chr(10).join(whens)} else {values[-1]} end' if whens else values[-1]} as {value}"

    codes = [f"cast({binds.add(rung.code)} as text)" for rung in play.ladder]
    terms = [terms_of(rung, company, binds) for rung in play.ladder]
    openings = [bound_of(rung, company, binds, "opening") for rung in play.ladder]
    ceilings = [bound_of(rung, company, binds, "ceiling") for rung in play.ladder]
    return f"""select
    cast({binds.add(play.name)} as text) as play,
    attributes.customer_key,
    {period_of(play)} as event_key,
    {laddered("offer", codes)},
    {laddered("offer_terms", terms)},
    {laddered("opening_minor", openings)},
    {laddered("ceiling_minor", ceilings)},
    {reasons(play.condition, binds, "en", currency, digits)} as reasons_en,
    {reasons(play.condition, binds, "zh", currency, digits)} as reasons_zh
from campaigns.customer_attributes as attributes
where
    attributes.as_of_date = :as_of_date
    and {matching(play, binds)}"""


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
