"""Linking source customers to people. Pure: no database, no clock, no order of arrival.

:func:`link_members` links everybody it is given. :mod:`.resolution` does the same for the neighbourhood of what changed, out
of the same parts, and comes to the same result: candidates meet in blocks (:mod:`.records`), splink compares and weighs them
(:mod:`.scoring`), rules decide (:mod:`.rules`), and what hangs together without contradiction is a person
(:mod:`.clustering`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from retention.identity import comparisons as c
from retention.identity.clustering import cluster, components, within_limit
from retention.identity.model import LinkageModel
from retention.identity.records import address_blocks, blocks, prepare
from retention.identity.rules import DECIDED, contradicts, judge
from retention.identity.scoring import duckdb_in_memory, score
from retention.settings import IngestSettings

Keys = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Decision:
    """What a person has decided about two source customers: it outranks every rule."""

    left: int
    right: int
    verdict: Literal["same", "different"]


@dataclass(frozen=True)
class Linked:
    """Who belongs to whom, and why.

    Attributes
    ----------
    links
        One row per source customer, sorted by ``source_customer_key``: ``customer_key`` (the person's member with the
        earliest creation time; ties by source, then number) and ``rule``: ``alone``, ``first`` (the member that names the
        person), or what links this member to another of the person: ``email``, ``phone``, ``email+phone``, ``similar``
        (by probability), ``decision`` or ``chain`` (none of its links was needed).
    pairs
        The judged pairs that are linked or shown to people.
    large_blocks, candidates
        Blocks too large to be compared; pairs compared.
    """

    links: pd.DataFrame
    pairs: pd.DataFrame
    large_blocks: int
    candidates: int


def link_members(
    records: pd.DataFrame,
    model: LinkageModel,
    settings: IngestSettings,
    pepper: bytes = b"",
    decisions: Sequence[Decision] = (),
) -> Linked:
    """Link all source customers of a table to people.

    Parameters
    ----------
    records : DataFrame with :data:`retention.identity.records.COLUMNS`
        In any order.
    model : LinkageModel
        What pairs are weighed by.
    settings : IngestSettings
        Limits.
    pepper : bytes
        Key of the block hashes; it has no influence on the outcome.
    decisions : sequence of Decision
        What people have decided.
    """
    prepared = prepare(records, model.frequencies)
    meeting = blocks(prepared, model.expected_bearers(prepared), pepper)
    sizes = meeting.groupby("block")["source_customer_key"].transform("size")
    large = meeting.loc[sizes > settings.linkage_block_limit, "block"].unique()
    prepared = with_uses(prepared, {int(block) for block in large}, settings, pepper)
    pairs = candidate_pairs(meeting[sizes <= settings.linkage_block_limit], None)
    judged = judge_pairs(prepared, pairs, model)
    links = link_people(records, prepared, judged, decisions, model, settings)
    return Linked(links, judged, len(large), pairs.num_rows)


def candidate_pairs(meeting: pd.DataFrame, focus: Keys | None) -> pa.Table:
    """Return every pair of records that meets in a block, once.

    Parameters
    ----------
    meeting : DataFrame of ``block`` and ``source_customer_key``
        Blocks that are small enough.
    focus : array of int, optional
        Only pairs with one of these.
    """
    with duckdb_in_memory() as connection:
        connection.register("meeting", pa.Table.from_pandas(meeting[["block", "source_customer_key"]], preserve_index=False))
        one_side = "meeting"
        if focus is not None:
            connection.register("focus", pa.table({"source_customer_key": focus}))
            one_side = "(select meeting.* from meeting inner join focus using (source_customer_key))"
        found: pa.Table = connection.sql(
            "select distinct least(one.source_customer_key, other.source_customer_key) as left, "
            "greatest(one.source_customer_key, other.source_customer_key) as right "
            f"from {one_side} as one inner join meeting as other on one.block = other.block "
            "where one.source_customer_key <> other.source_customer_key"
        ).to_arrow_table()
    return found


def with_uses(prepared: pd.DataFrame, large: set[int], settings: IngestSettings, pepper: bytes) -> pd.DataFrame:
    """Add how many people use each record's addresses.

    Parameters
    ----------
    prepared : DataFrame
        Records; of an address in a small block all users must be among them.
    large : set of int
        Blocks too large to be looked into: addresses among them say nothing.
    """
    # Records without a name count as one user each; those of one name are one.
    user = prepared["sound"].fillna(prepared["unique_id"].astype(str))
    crowded = np.array(sorted(large), dtype=np.int64)
    kinds: tuple[Literal["email"], Literal["phone"]] = ("email", "phone")
    for address in kinds:
        users = prepared[address].map(user.groupby(prepared[address]).nunique()).fillna(0).to_numpy()
        generic = (users > settings.company_address_limit) | np.isin(address_blocks(prepared, address, pepper), crowded)
        prepared[f"{address}_use"] = np.select(
            [generic, users > settings.shared_address_limit], [c.GENERIC, c.SHARED], c.PRIVATE
        )
    return prepared


def judge_pairs(prepared: pd.DataFrame, pairs: pa.Table, model: LinkageModel) -> pd.DataFrame:
    """Compare, weigh and judge candidate pairs; return those that are linked or shown to people."""
    scored = score(prepared, pairs, model)
    judged = judge(scored, pair_facts(prepared, scored), model.link_probability, model.review_probability)
    return judged[judged["state"] != "apart"].reset_index(drop=True)


def pair_facts(prepared: pd.DataFrame, scored: pd.DataFrame) -> pd.DataFrame:
    """Return what the rules want to know of pairs beside the levels: same source, and how many use a shared address."""
    index = pd.Index(prepared["unique_id"])
    left, right = index.get_indexer(scored["left"]), index.get_indexer(scored["right"])
    source = pd.factorize(prepared["source"])[0]
    script = pd.factorize(prepared["script"])[0]
    facts = {
        "same_source": source[left] == source[right],
        "other_script": (script[left] >= 0) & (script[right] >= 0) & (script[left] != script[right]),
    }
    for address in ("email_use", "phone_use"):
        use = prepared[address].to_numpy()
        facts[address] = np.maximum(use[left], use[right])
    return pd.DataFrame(facts, index=scored.index)


def link_people(
    records: pd.DataFrame,
    prepared: pd.DataFrame,
    judged: pd.DataFrame,
    decisions: Iterable[Decision],
    model: LinkageModel,
    settings: IngestSettings,
) -> pd.DataFrame:
    """Put judged pairs and decisions together to people; see :class:`Linked` for what is returned."""
    keys = np.sort(prepared["unique_id"].to_numpy())
    edges = _edges(keys, judged, decisions)
    edges = within_limit(keys, edges, settings.person_records_limit)
    decided = {(d.left, d.right) if d.left < d.right else (d.right, d.left): d.verdict for d in decisions}
    conflicts = _conflicts(keys, edges, prepared, decided, model)
    person = cluster(keys, edges, conflicts)
    return _named(keys, person, records, edges)


def _edges(keys: Keys, judged: pd.DataFrame, decisions: Iterable[Decision]) -> pd.DataFrame:
    """Return the links: those of the rules but for what people decided otherwise, and those that people decided."""
    edges = judged.loc[judged["state"] == "link", ["left", "right", "strength", "weight", "rule"]]
    made = [(min(d.left, d.right), max(d.left, d.right), d.verdict) for d in decisions]
    if not made:
        return edges
    about = pd.MultiIndex.from_tuples([pair[:2] for pair in made])
    edges = edges[~pd.MultiIndex.from_frame(edges[["left", "right"]]).isin(about)]
    known = set(keys.tolist())
    same = [
        (left, right, DECIDED, 0.0, "decision") for left, right, verdict in made if verdict == "same" and {left, right} <= known
    ]
    return pd.concat([edges, pd.DataFrame(same, columns=edges.columns)]) if same else edges


def _conflicts(
    keys: Keys, edges: pd.DataFrame, prepared: pd.DataFrame, decided: Mapping[tuple[int, int], str], model: LinkageModel
) -> list[tuple[int, int]]:
    """Return who cannot be one person among those whom links connect."""
    labels = components(keys, edges["left"].to_numpy(), edges["right"].to_numpy())
    # Two records that are linked do not contradict each other; three may.
    inside = np.bincount(labels, minlength=1)[labels] > 2
    found: set[tuple[int, int]] = {pair for pair, verdict in decided.items() if verdict == "different"}
    if inside.any():
        meeting = pd.DataFrame({"block": labels[inside].astype(np.int64), "source_customer_key": keys[inside]})
        scored = score(prepared, candidate_pairs(meeting, None), model, keep_all=True)
        linked = pd.MultiIndex.from_frame(scored[["left", "right"]]).isin(pd.MultiIndex.from_frame(edges[["left", "right"]]))
        doubtful = scored["gamma_name"].isin([c.NAME_GIVEN, c.NAME_ONE_CHARACTER]).to_numpy() & ~linked
        wrong = scored[contradicts(scored, pair_facts(prepared, scored)["same_source"]) | doubtful]
        found |= set(zip(wrong["left"].tolist(), wrong["right"].tolist(), strict=True))
    return [pair for pair in found if decided.get(pair) != "same"]


def _named(keys: Keys, person: Keys, records: pd.DataFrame, edges: pd.DataFrame) -> pd.DataFrame:
    """Give every person the key of the member created first, and every member the rule by which it belongs."""
    order = records.assign(source_customer_key=records["source_customer_key"].astype(np.int64))
    order = order.sort_values(["source_created_at", "source", "customer_id"])[["source_customer_key"]]
    order["person"] = person[np.searchsorted(keys, order["source_customer_key"].to_numpy())]
    first = order.drop_duplicates("person").set_index("person")["source_customer_key"]
    named = pd.Series(person).map(first).to_numpy()
    size = pd.Series(person).map(pd.Series(person).value_counts()).to_numpy()
    held = edges[
        person[np.searchsorted(keys, edges["left"].to_numpy())] == person[np.searchsorted(keys, edges["right"].to_numpy())]
    ]
    ends = pd.concat([held[[side, "rule"]].rename(columns={side: "key"}) for side in ("left", "right")])
    by = {rule: np.isin(keys, ends.loc[ends["rule"].isin(rules), "key"].to_numpy()) for rule, rules in _RULES.items()}
    rule = np.select(
        [size == 1, named == keys, by["decision"], by["email"] & by["phone"], by["email"], by["phone"], by["similar"]],
        ["alone", "first", "decision", "email+phone", "email", "phone", "similar"],
        default="chain",
    )
    return pd.DataFrame({"source_customer_key": keys, "customer_key": named, "rule": rule})


_RULES = {
    "decision": ["decision"],
    "email": ["email", "email+phone"],
    "phone": ["phone", "email+phone"],
    "similar": ["similar"],
}
