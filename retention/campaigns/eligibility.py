"""Eligibility: all the rules that keep every customer out of every play, in one statement over one row per customer.

A row of ``campaigns.eligibility`` carries one mask per play. What several plays ask alike (an address, a permission and room
under the cap on any of their channels) is computed once per customer; what a play asks for itself is an expression over that
row. The bits are those of ``campaigns.exclusion_rule``, which also says in what order they are named.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from retention.campaigns.candidates import matching, period_of
from retention.campaigns.compiling import Statement, by_position, compile_file
from retention.campaigns.conditions import Binds, Leaf, predicate
from retention.campaigns.holdout import UNIVERSAL, bucket_sql
from retention.campaigns.plays import Play
from retention.campaigns.stratifying import Draw, Key, universal_threshold_sql
from retention.warehouse import Run

CHANNELS = ("email", "sms", "phone", "wechat", "app", "staff")
"""Channels by position; the bit of a channel in a sum of channels is 2 to that power."""

RULES = {
    "erased": 1, "suppressed": 2, "test_or_staff": 4, "no_consent": 8, "profiling_withdrawn": 16, "complaint_hold": 32,
    "already_received": 64, "stopped": 128, "frequency_cap": 256, "no_usable_channel": 512, "beaten": 1024, "control": 2048,
    "legal_hold": 4096, "quiet_hours": 8192, "below_minimum_value": 16384, "universal_control": 32768, "over_budget": 65536,
    "do_not_disturb": 131072, "channel_full": 262144, "not_in_audience": 524288, "promotion_barred": 1048576,
}  # fmt: skip
"""Bits of the rules, as in ``campaigns.exclusion_rule``. Kept masks carry them, so none is ever given to another rule."""

SETTLED = ("beaten", "over_budget", "channel_full", "do_not_disturb", "below_minimum_value", "frequency_cap")
"""Rules that are settled among the contenders, beside control."""

_WORD = 62  # plays per bigint of flags


@dataclass(frozen=True)
class _Reach:
    """What plays with the same channels have in common."""

    purpose: str
    channels: int
    is_capped: bool


def plays_version(plays: Sequence[Play]) -> int:
    """Return the number of a list of plays: equal lists with equal contents have equal numbers, on every machine."""
    text = "\n".join(f"{play.name} {play.content_hash}" for play in plays)
    return int(hashlib.sha256(text.encode()).hexdigest()[:15], 16)


def channel_bits(channels: Sequence[str]) -> int:
    """Return channels as a sum of their bits."""
    return sum(1 << CHANNELS.index(channel) for channel in channels)


def place(position: int) -> tuple[int, int]:
    """Return which word of flags a play's flag is in, and its bit there; ``position`` counts from 1."""
    word, bit = divmod(position - 1, _WORD)
    return word, 1 << bit


def eligibility_query(plays: Sequence[Play], run: Run, draws: Mapping[Key, Draw]) -> Statement:
    """Return the statement that fills ``campaigns.eligibility`` for one customer bucket.

    Parameters
    ----------
    plays : sequence of Play
        In the order of their positions.
    run : Run
        The day.
    draws : mapping
        Thresholds of the control groups (:mod:`retention.campaigns.stratifying`).
    """
    words = range((len(plays) + _WORD - 1) // _WORD)
    reaches: list[_Reach] = []
    masks: list[str] = []
    universal = Binds("universal")
    binds: dict[str, Any] = {}
    for position, play in enumerate(plays, 1):
        reach = _Reach(play.purpose, channel_bits(play.channels), play.is_capped)
        if reach not in reaches:
            reaches.append(reach)
        own = Binds(f"rule{position}")
        masks.append(_mask(position, play, reaches.index(reach), own))
        binds |= own.values
    parts = {
        "/* period of the play */ cast(null as text)": by_position("deliveries.position", [period_of(play) for play in plays]),
        "/* history by play */": "\n        ".join(_history(word) for word in words),
        "/* history columns */": "\n        ".join(_history_columns(word) for word in words),
        "/* refusals by play */": "\n        ".join(_refusals(word) for word in words),
        "/* refusal columns */": "\n        ".join(_refusal_columns(word) for word in words),
        "/* reach by channels */": "\n        ".join(_reach(number, reach) for number, reach in enumerate(reaches)),
        "/* masks */": ",\n".join(masks),
        "/* universal bucket */ 0.0": bucket_sql(
            ":holdout_salt", f"'{UNIVERSAL}'", "cast(:universal_period as text)", "attributes.customer_key"
        ),
        "/* universal threshold */ 0.0": universal_threshold_sql(draws, run, universal),
    }
    return Statement(compile_file("campaigns/eligibility", parts), binds | universal.values)


def settled_masks(plays: Sequence[Play]) -> str:
    """Return the statement that adds to the masks what was settled among the contenders.

    Parameters
    ----------
    plays : sequence of Play
        In the order of their positions.
    """
    verdicts = " ".join(f"when '{verdict}' then {RULES[verdict]}" for verdict in SETTLED)
    positions = range(1, len(plays) + 1)
    columns = ", ".join(f"coalesce(max(lost.bits) filter (where lost.position = {at}), 0) as bits_{at}" for at in positions)
    masks = ", ".join(f"eligibility.failing_rules[{at}] | settled.bits_{at}" for at in positions)
    return (
        f"update campaigns.eligibility as eligibility set failing_rules = array[{masks}] from ("
        f"select lost.customer_key, {columns} from ("
        "select customer_key, position, "
        f"case verdict {verdicts} else 0 end | case when is_control then {RULES['control']} else 0 end as bits "
        "from campaigns.contender where verdict not in ('chosen', 'standing', 'exempt')) as lost group by lost.customer_key"
        ") as settled where eligibility.customer_key = settled.customer_key"
    )


def _history(word: int) -> str:
    """Columns that gather, per customer, flags by play from the deliveries of that word's plays."""
    standing = f"word = {word} and standing_channel is not null"
    by_channel = "\n        ".join(
        f"coalesce(bit_or(bit) filter (where word = {word} and standing_channel & channels = {1 << number}), 0) "
        f"as standing_{channel}_{word},"
        for number, channel in enumerate(CHANNELS)
    )
    return (
        f"coalesce(bit_or(bit) filter (where {standing}), 0) as standing_{word},\n        "
        f"{by_channel}\n        "
        f"coalesce(bit_or(bit) filter (where word = {word} and is_received), 0) as received_{word},\n        "
        f"coalesce(bit_or(bit) filter (where word = {word} and is_stopped), 0) as stopped_{word},"
    )


def _history_columns(word: int) -> str:
    names = ("standing", *(f"standing_{channel}" for channel in CHANNELS), "received", "stopped")
    return "\n        ".join(f"coalesce(history.{name}_{word}, 0) as {name}_{word}," for name in names)


def _refusals(word: int) -> str:
    """Columns that gather, per customer and channel, flags of the service plays of that word that they unsubscribed from."""
    return "\n        ".join(
        f"coalesce(bit_or(plays.bit) filter (where plays.word = {word} and refused.channel = '{channel}'), 0) "
        f"as refused_{channel}_{word},"
        for channel in CHANNELS
        if channel != "staff"
    )


def _refusal_columns(word: int) -> str:
    return "\n        ".join(
        f"coalesce(refused_plays.refused_{channel}_{word}, 0) as refused_{channel}_{word},"
        for channel in CHANNELS
        if channel != "staff"
    )


def _reach(number: int, reach: _Reach) -> str:
    """Columns for plays of the same channels: rules of reach, channels that can be used, whether the cap is full."""
    usable = f"known.address_channels & known.permitted_{reach.purpose} & {reach.channels}"
    missing = (
        f"case when known.address_channels & {reach.channels} = 0 then {RULES['no_usable_channel']} else 0 end "
        f"+ case when case when known.address_channels & {reach.channels} <> 0 then {usable} "
        f"else known.permitted_{reach.purpose} & {reach.channels} end = 0 then {RULES['no_consent']} else 0 end"
    )
    full = (
        f"case when known.is_capped or ({usable} <> 0 and {usable} & known.room_channels = 0) "
        f"then {RULES['frequency_cap']} else 0 end"
        if reach.is_capped
        else "0"
    )
    return f"{missing} as reach_{number},\n        {usable} as usable_{number},\n        {full} as full_{number},"


def _mask(position: int, play: Play, reach: int, binds: Binds) -> str:
    """Expression of one play's mask over ``attributes``; the rules of the contest are added after it."""
    word, bit = place(position)
    usable, full = f"attributes.usable_{reach}", f"attributes.full_{reach}"
    rules = [
        "attributes.rules_of_person",
        f"case when {matching(play, binds)} then 0 else {RULES['not_in_audience']} end",
        f"attributes.reach_{reach}",
    ]
    if play.purpose == "service" and play.kind != "staff":
        wanted = f"({usable} & ~({_refused(play, word, bit)}))"
        rules.append(f"case when {usable} <> 0 and {wanted} = 0 then {RULES['no_consent']} else 0 end")
        full = (
            f"{full} | case when {wanted} <> 0 and {wanted} & attributes.room_channels = 0 "
            f"then {RULES['frequency_cap']} else 0 end"
        )
        usable = wanted
    beginning = [f"case when attributes.received_{word} & {bit} <> 0 then {RULES['already_received']} else 0 end"]
    if play.max_tries is not None:
        beginning.append(f"case when attributes.stopped_{word} & {bit} <> 0 then {RULES['stopped']} else 0 end")
    if play.is_capped:
        beginning.append(full)
    if play.keeps_quiet_hours and play.kind != "staff":
        beginning.append(f"case when cast(:is_quiet_day as boolean) then {RULES['quiet_hours']} else 0 end")
    if play.minimum_value is not None:
        enough = predicate(Leaf(play.minimum_value.attribute, "at_least", play.minimum_value.at_least), binds)
        beginning.append(f"case when {enough} then 0 else {RULES['below_minimum_value']} end")
    if play.uses_profiling:
        rules.append("attributes.rule_profiling")
    if play.kind == "promotional":
        rules.append("attributes.rules_of_promotion")
        beginning.append(f"case when attributes.is_universal_control then {RULES['universal_control']} else 0 end")
    # A membership keeps its channel, and ends when that channel closes.
    open_now = " | ".join(
        f"case when {usable} & {1 << CHANNELS.index(channel)} <> 0 then attributes.standing_{channel}_{word} else 0 end"
        for channel in play.channels
    )
    closed = f"case when {usable} <> 0 and ({open_now}) & {bit} = 0 then {RULES['no_usable_channel']} else 0 end"
    rules.append(f"case when attributes.standing_{word} & {bit} <> 0 then {closed}\n        else {' | '.join(beginning)} end")
    return f"    -- {position}\n    " + "\n    | ".join(rules)


def _refused(play: Play, word: int, bit: int) -> str:
    """Expression of the channels on which a customer unsubscribed from a play."""
    return " | ".join(
        f"case when attributes.refused_{channel}_{word} & {bit} <> 0 then {channel_bits([channel])} else 0 end"
        for channel in play.channels
    )
