"""The words of `retention why`, from ``include/why/sentences.yml``."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import date
from functools import cache
from typing import Any, Literal

from retention.campaigns.catalogue import Attribute, attributes
from retention.campaigns.conditions import Condition, Group, Leaf
from retention.campaigns.eligibility import CHANNELS
from retention.settings import PROJECT_ROOT, Settings
from retention.yaml_text import load_yaml

Language = Literal["en", "zh"]
_FILE = PROJECT_ROOT / "include" / "why" / "sentences.yml"


@cache
def _sentences() -> Mapping[str, Any]:
    loaded: Mapping[str, Any] = load_yaml(_FILE.read_text(encoding="utf-8"))
    return loaded


class Words:
    """Speaks one language about one customer, play and day.

    Parameters
    ----------
    settings : Settings
        Currency, caps and rests.
    language : str
        en or zh.
    facts : mapping
        What is kept of the customer and the play (:func:`retention.campaigns.why.why`).
    names : mapping
        Names of the plays by language.
    day : date
        The as-of date.
    """

    def __init__(
        self,
        settings: Settings,
        language: Language,
        facts: Mapping[str, Any],
        names: Mapping[str, Mapping[str, str]],
        day: date,
    ) -> None:
        self._settings, self._language, self._facts, self._names, self._day = settings, language, facts, names, day

    def answer(self, rules: Sequence[tuple[str, Mapping[str, str]]], unmet: Sequence[Condition]) -> str:
        """Return the sentence.

        Parameters
        ----------
        rules : sequence
            Rules that failed, in order, with their labels by language.
        unmet : sequence of Condition
            Parts of the audience rule that the customer does not meet.
        """
        facts = self._facts
        given = {"customer": facts["customer"], "play": self._name(facts["play"]), "date": self._day}
        if not rules:
            kind = "standing" if facts["joined_on"] < self._day else "selected"
            return self._of("sentences", kind).format(
                **given,
                since=facts["joined_on"],
                channel=self._of("channels", facts["channel"]),
                offer=json.loads(facts["offer_terms"])[f"label_{self._language}"],
                reasons=facts[f"reasons_{self._language}"],
            )
        if [rule for rule, _ in rules] == ["control"]:
            return self._of("sentences", "control").format(**given, bucket=f"{facts['holdout_bucket']:.4f}")
        first, *others = [self._rule(rule, labels, unmet) for rule, labels in rules]
        sentence = self._of("sentences", "excluded").format(**given, reason=first)
        if others:
            beside = self._of("sentences", "beside").format(rules=self._of("words", "and").join(others))
            sentence += beside if self._language == "zh" else f" {beside}"
        return sentence

    def _rule(self, rule: str, labels: Mapping[str, str], unmet: Sequence[Condition]) -> str:
        """Word one rule: with its details where they are known, else by its label."""
        details = self._details(rule, unmet)
        if details is None:
            return labels[self._language]
        which, values = details
        return self._of("details", which).format(**values)

    def _details(self, rule: str, unmet: Sequence[Condition]) -> tuple[str, Mapping[str, object]] | None:
        facts, campaigns = self._facts, self._settings.campaigns
        known = facts["attributes"]
        match rule:
            case "not_in_audience":
                parts = [self._unmet(part) for part in unmet] or list(self._not_now())
                return (rule, {"unmet": self._of("words", "and").join(parts)}) if parts else None
            case "no_consent" if self._has_unsubscribed():
                return "unsubscribed", {"refused": self._channels(self._refused())}
            case "no_consent":
                purpose = facts["definition"]["purpose"]
                return rule, {
                    "purpose": self._of("purposes", purpose),
                    "addresses": self._channels(facts["address_channels"]),
                    "permitted": self._channels(facts[f"permitted_{purpose}"]),
                }
            case "no_usable_channel":
                return rule, {"addresses": self._channels(facts["address_channels"])}
            case "complaint_hold" if known["count_open_complaints"]:
                return "complaint_open", {}
            case "complaint_hold":
                days = {"days": known["days_since_complaint_resolved"], "hold": campaigns.complaint_hold_days}
                return "complaint_resolved", days
            case "already_received" if facts["received_on"]:
                return rule, {"on": facts["received_on"]}
            case "frequency_cap":
                return rule, {
                    "days": campaigns.contact_cap_days,
                    "cap": campaigns.contact_cap,
                    "cap_per_channel": campaigns.contact_cap_per_channel,
                }
            case "beaten" | "over_budget" | "channel_full" | "do_not_disturb" | "below_minimum_value":
                return self._contest(rule)
        return None

    def _refused(self) -> int:
        return sum(1 << CHANNELS.index(channel) for channel in self._facts.get("refused_channels") or () if channel in CHANNELS)

    def _has_unsubscribed(self) -> bool:
        """Whether consent to the purpose is there, and what is missing is that they unsubscribed from this very play."""
        facts = self._facts
        definition, refused = facts["definition"], self._refused()
        if definition["purpose"] != "service" or not refused:
            return False
        of_play = sum(1 << CHANNELS.index(channel) for channel in definition["channels"])
        return bool(facts["address_channels"] & facts["permitted_service"] & of_play)

    def _contest(self, rule: str) -> tuple[str, Mapping[str, object]] | None:
        facts = self._facts
        if facts["value_minor"] is None:  # below the minimum that the play asks for: it never came to a contest
            return None
        values = {
            "value": self._money(facts["value_minor"]),
            "cost": self._money(facts["cost_minor"]),
            "net": self._money(facts["value_minor"] - facts["cost_minor"]),
        }
        if rule == "beaten":
            if facts["winner_value_minor"] is None:
                return "beaten_today", {}
            values["winner"] = self._name(facts["winner"])
            values["winner_net"] = self._money(facts["winner_value_minor"] - facts["winner_cost_minor"])
        return rule, values

    def _unmet(self, part: Condition) -> str:
        if isinstance(part, Leaf):
            attribute = attributes()[part.attribute]
            return self._of("words", "leaf").format(
                label=self._label(attribute), value=self._value(attribute), wanted=self._wanted(part, attribute)
            )
        parts = self._of("words", "and").join(
            self._holds(inner) if part.kind == "not" else self._unmet(inner) for inner in part.parts
        )
        return self._of("words", part.kind).format(parts=parts)

    def _holds(self, part: Condition) -> str:
        """Word what a customer is, where that is what rules them out."""
        if isinstance(part, Group):
            return self._of("words", "and").join(self._holds(inner) for inner in part.parts)
        attribute = attributes()[part.attribute]
        return self._of("words", "holds").format(label=self._label(attribute), value=self._value(attribute))

    def _not_now(self) -> list[str]:
        """Word why nobody, or nobody without the event, is in the audience on the day."""
        definition, said = self._facts["definition"], []
        begins, ends, event = (definition.get(key) for key in ("observe_from", "observe_until", "event"))
        if begins is not None and str(begins) > self._day.isoformat():
            said.append(self._of("words", "begins").format(day=begins))
        if ends is not None and str(ends) < self._day.isoformat():
            said.append(self._of("words", "ended").format(day=ends))
        if event is not None and self._facts["attributes"].get(event) is None:
            said.append(self._of("words", "no_event").format(label=self._label(attributes()[event])))
        return said

    def _wanted(self, leaf: Leaf, attribute: Attribute) -> str:
        values = leaf.value if isinstance(leaf.value, tuple) else (leaf.value,)
        shown = [self._shown(value, attribute) for value in values]
        template = self._of("operators", leaf.operator)
        if leaf.operator == "between":
            return template.format(*shown)
        return template.format((", " if self._language == "en" else "、").join(shown))

    def _value(self, attribute: Attribute) -> str:
        return self._shown(self._facts["attributes"].get(attribute.name), attribute)

    def _shown(self, value: object, attribute: Attribute) -> str:
        if value is None:
            return self._of("words", "unknown")
        if isinstance(value, bool):
            return self._of("words", "yes" if value else "no")
        if isinstance(value, list):
            return ", ".join(self._shown(one, attribute) for one in value) or self._of("words", "none")
        if isinstance(value, int | float):
            match attribute.unit:
                case "minor":
                    return self._money(value)
                case "share":
                    return f"{value:.0%}"
                case "ratio":
                    return f"{value:.1f}"
            return f"{value:g}"
        text = str(value)
        return attribute.values.get(text, text) if self._language == "zh" else text

    def _label(self, attribute: Attribute) -> str:
        return attribute.label_en if self._language == "en" else attribute.label_zh

    def _money(self, minor: float) -> str:
        company = self._settings.company
        digits = company.base_currency_minor_digits
        return f"{minor / 10**digits:,.{digits}f} {company.base_currency}"

    def _channels(self, bits: int) -> str:
        named = [self._of("channels", channel) for number, channel in enumerate(CHANNELS) if bits >> number & 1]
        return (", " if self._language == "en" else "、").join(named) or self._of("words", "none")

    def _name(self, play: str) -> str:
        return self._names.get(play, {}).get(self._language, play)

    def _of(self, section: str, key: str) -> str:
        text: str = _sentences()[section][key][self._language]
        return text
