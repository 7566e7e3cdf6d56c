"""One customer by pseudonym: where they stand, why, what happened. Every look is on record before anything is shown.

No name, address or free text can be read: the role of the console has no right to them. There is no search and no list, so that
nobody strolls through customers.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import date
from typing import Any

from retention.campaigns.conditions import leaves, parse
from retention.campaigns.why import WhyUnknown, plays_of, why
from retention.console.labels import Labels
from retention.console.reading import Reader
from retention.console.shapes import Refused, Shape, empty, pick, plain, section
from retention.console.timeline import timeline
from retention.console.words import both, label, words
from retention.warehouse import sql_file, statement

ACTION, REFUSED_ACTION = "console_customer", "console_customer_refused"
_KEY = re.compile(r"-?\d{1,19}")
_LARGEST = 2**63
PERSONAL = frozenset(
    {
        "gender", "age_years", "region", "city", "occupation", "account_owner", "birthday_on", "days_to_birthday",
        "wedding_anniversary_on", "days_to_wedding_anniversary", "demographic_tags", "geographic_tags",
    }
)  # fmt: skip
"""Attributes that describe a person: a sentence that may tell one of them is not shown."""
_FALLBACKS = {"selected": 0, "control": 1, "excluded": 2}


def key_of(text: str) -> int:
    """Return the key that a text names.

    Raises
    ------
    Refused when it is no 64-bit number.
    """
    if not _KEY.fullmatch(text) or not -_LARGEST <= int(text) < _LARGEST:
        raise Refused("unknown_customer", 404)
    return int(text)


def note(reader: Reader, actor: str, key: str, *, allowed: bool, route: str = "api/customer") -> None:
    """Put on record who looks at which key, or was refused to.

    Parameters
    ----------
    reader : Reader
        Whose role may add to ``ops.audit``.
    actor : str
        Login of the person.
    key : str
        What was asked for; anything that is no key is noted as such, not as it was written.
    allowed : bool
        Whether something is going to be shown.
    """
    subject = key if _KEY.fullmatch(key) else "not a key"
    with reader.noting() as connection:
        connection.execute(
            *statement(
                sql_file("_console/note_look"),
                {
                    "actor": actor,
                    "action": ACTION if allowed else REFUSED_ACTION,
                    "subject": f"customer {subject}",
                    "reason": "looked at in the console" if allowed else "refused: no right, or too many in an hour",
                    "details": json.dumps({"route": route}),
                },
            )
        )


def looks_left(reader: Reader, actor: str, most: int) -> int:
    """Return how many more customers somebody may look at within this hour, over all workers of the API server."""
    found = reader.one("looks", {"actor": actor})
    return max(0, most - int(found["looks"] if found else 0))


def customer(reader: Reader, labels: Labels, as_of_date: date, key: int) -> Shape:
    """Return what is known of one customer by pseudonym.

    Raises
    ------
    Refused when no customer is known by that key.
    """
    resolved = reader.one("customer_resolve", {"key": key})
    if resolved is None or resolved["customer_key"] is None:
        raise Refused("unknown_customer", 404)
    person = int(resolved["customer_key"])
    asked = {
        "customer": person,
        "as_of_date": as_of_date,
        "business_timezone": reader.settings.company.business_timezone,
    }
    found = reader.one("customer", asked)
    if found is None:
        raise Refused("unknown_customer", 404)
    return {
        "customer_key": str(person),
        "merged_from": str(key) if key != person else None,
        "as_of_date": plain(as_of_date),
        "profile": _profile(found, labels),
        "facts": _facts(found),
        "scores": section(lambda: _scores(reader, asked)),
        "warnings": section(lambda: _warnings(reader, asked)),
        "next_best": section(lambda: _next_best(reader, asked)),
        "memberships": section(lambda: _memberships(reader, labels, person)),
        "timeline": section(lambda: timeline(reader, labels, asked)),
    }


def _profile(row: Mapping[str, Any], labels: Labels) -> Shape:
    def standing(dimension: str, name: str | None) -> Shape | None:
        return None if name is None else {"member": name, "label": labels.member(dimension, name)}

    level = row["membership_level"]
    scores = ("recency_score", "frequency_score", "monetary_score")
    return {
        **pick(row, "customer_kind", "region", "member_since_month", "tier_since", "is_at_risk"),
        "service_tier": standing("tier", row["service_tier"]),
        "lifecycle_stage": standing("stage", row["lifecycle_stage"]),
        "value_class": standing("value_class", row["value_class"]),
        "rfm_segment": standing("rfm_segment", row["rfm_segment"]),
        "rfm": {name.removesuffix("_score"): row[name] for name in scores} if row["recency_score"] is not None else None,
        "membership_level": {"member": level, "label": both(level, row["membership_level_zh"])} if level else None,
        "persona": {"member": row["persona"], "label": both(row["persona_en"], row["persona_zh"], row["persona"])}
        if row["persona"]
        else None,
    }


def _facts(row: Mapping[str, Any]) -> list[Shape]:
    rhythm = row["mean_days_between_orders"]
    overdue = row["recency_days"] / rhythm if rhythm and row["recency_days"] is not None else None
    values = {**row, "overdue_ratio": overdue}
    return [
        {"name": name, "label": label("fact", name), "value": plain(values[name]), "unit": known["unit"]}
        for name, known in words()["fact"].items()
        if values.get(name) is not None
    ]


def _scores(reader: Reader, asked: Mapping[str, Any]) -> Shape:
    row = reader.one("customer_scores", asked)
    if row is None:
        return empty("not_scored")
    reasons: dict[str, list[Shape]] = {}
    for reason in reader.rows("customer_reasons", asked):
        sentence = both(reason["sentence_en"], reason["sentence_zh"])
        reasons.setdefault(reason["score"], []).append(
            {**pick(reason, "rank", "is_raising", "contribution"), "sentence": sentence}
        )

    def score(name: str, column: str, version: str, fallback: str, horizon: int | None, **more: Any) -> Shape:
        return {
            "score": name,
            "label": label("score", name),
            "unit": words()["score"][name]["unit"],
            "value": row[column],
            "lower": more.get("lower"),
            "upper": more.get("upper"),
            "horizon_days": horizon,
            "is_fallback": row[fallback],
            "model_version": row[version],
            "explained": name in reasons,
            "reasons": reasons.get(name, []),
        }

    clv = {"lower": row["clv_12m_lower_minor"], "upper": row["clv_12m_upper_minor"]}
    repurchase = ("repurchase_model_version", "repurchase_is_fallback")
    found = [
        score("churn", "churn_probability", "model_version", "is_fallback", row["horizon_days"]),
        score("clv", "clv_12m_minor", "clv_model_version", "clv_is_fallback", row["clv_horizon_days"], **clv),
        score("repurchase_30d", "probability_30d", *repurchase, 30),
        score("repurchase_90d", "probability_90d", *repurchase, 90),
        score("probability_alive", "probability_alive", "clv_model_version", "clv_is_fallback", None),
    ]
    return {
        "rows": [item for item in found if item["value"] is not None],
        "next_order": pick(row, "next_order_date", "next_order_from", "next_order_until"),
        "history": [
            {"date": plain(past["as_of_date"]), **pick(past, "churn_probability", "clv_12m_minor")}
            for past in reader.rows("customer_score_history", asked)
        ],
    }


def _warnings(reader: Reader, asked: Mapping[str, Any]) -> Shape:
    rows = reader.rows("customer_warnings", asked)
    if not rows:
        return empty("no_warning")
    return {"rows": [{"warning": row["warning"], "sentence": both(row["sentence_en"], row["sentence_zh"])} for row in rows]}


def _next_best(reader: Reader, asked: Mapping[str, Any]) -> Shape:
    rows = reader.rows("customer_next_best", asked)
    if not rows:
        return empty("nothing_to_propose")
    return {
        "rows": [
            {
                **pick(row, "list", "level", "rank", "item"),
                "probability": row["order_probability"],
                "why": both(row["why_en"], row["why_zh"]),
            }
            for row in rows
        ]
    }


def _memberships(reader: Reader, labels: Labels, person: int) -> Shape:
    """Return why the customer gets each play or does not: the answers of ``retention why``."""
    try:
        day, planned = plays_of(reader.warehouse, None)
        answers = [why(reader.warehouse, reader.settings, person, play, day) for play in planned]
    except WhyUnknown:
        return empty("not_planned_for")
    chosen = {row["play"]: row for row in reader.rows("customer_decisions", {"customer": person, "as_of_date": day})}
    definitions = _personal_plays(reader)
    rows: list[Shape] = []
    for answer in answers:
        is_personal = answer.play in definitions and (answer.state != "excluded" or "not_in_audience" in answer.rules)
        decision = chosen.get(answer.play)
        rows.append(
            {
                "play": answer.play,
                "label": labels.play(answer.play),
                "state": answer.state,
                "state_label": label("membership_state", answer.state),
                "rules": list(answer.rules),
                "sentence": dict(words()["personal_reason"]) if is_personal else both(answer.sentence_en, answer.sentence_zh),
                "channel": decision["channel"] if decision else None,
                "offer": decision["offer"] if decision else None,
                "valid_until": plain(decision["valid_until"]) if decision else None,
            }
        )
    rows.sort(key=lambda row: (_FALLBACKS.get(row["state"], 3), "not_in_audience" in row["rules"]))
    return {"as_of_date": plain(day), "rows": rows}


def _personal_plays(reader: Reader) -> set[str]:
    """Return the plays whose rules ask about the person, so that the answer would tell of them."""
    asking = set()
    for row in reader.query("select distinct on (play) play, definition from campaigns.play order by play, registered_at desc"):
        parts = [parse(row["definition"][part]) for part in ("audience", "trigger") if part in row["definition"]]
        if any(leaf.attribute in PERSONAL for part in parts for leaf in leaves(part)):
            asking.add(row["play"])
    return asking
