"""Who of an audience can be listed at a destination, by which keys, under which consent, and why not the others.

Members come from ``sendable``, consent to advertising is looked up in the same database at the same moment, and the keys are
made inside the warehouse, beside the only table that has addresses: what leaves it is keys and reasons. Nothing is stored but
counts and pseudonyms (:mod:`retention.campaigns.match_keys.recording`).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd
import pyarrow as pa

from retention.campaigns.match_keys.building import REASONS, check_vectors, keys_sql
from retention.campaigns.match_keys.recipes import STATES, Key, Recipe
from retention.campaigns.match_keys.steps import Binds
from retention.campaigns.receipts import marketing_of
from retention.warehouse import RetentionError, Run, read_arrow, sql_file

_DIGEST = re.compile(r"[0-9a-f]{64}")
_HASH_OF_NOTHING = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
_WITHHELD = ("no_ads_consent", "ads_withdrawn", "refused_at_address", "not_personalised", "not_of_channel")
ANY = "any"
"""Stands in coverage for people with at least one key by which they can be recognised."""

_PEOPLE = """with

people as materialized (
    select
        wanted.customer_key,
        contact.email,
        contact.phone,
        cast(wanted.customer_key as text) as customer,
        coalesce(contact.is_email_shared, false) as email_is_shared,
        coalesce(contact.is_phone_shared, false) as phone_is_shared
    from unnest(cast(:people as bigint [])) as wanted (customer_key)
    -- Two records that have become one person since the push: the key of before leads to the person of now.
    left join core.customer_alias as alias on wanted.customer_key = alias.source_customer_key
    left join pii.contact as contact on contact.customer_key = coalesce(alias.customer_key, wanted.customer_key)
),

built as (
{keys}
)

select
    built.*,
    people.email_is_shared,
    people.phone_is_shared
from built
inner join people on built.customer_key = people.customer_key
order by built.customer_key"""


class RawValues(RetentionError):
    """A column that must hold hashes holds something else. Nothing was written."""

    runbook = "match-keys"


@dataclass(frozen=True)
class Coverage:
    """Counts of people by what became of one key; see ``campaigns.match_key_coverage``."""

    key: str
    members: int
    listed: int
    missing: int
    invalid: int
    already_hashed: int
    duplicate: int
    withheld: int
    shared: int

    @property
    def share(self) -> float:
        """Listed over members; 0 of nobody."""
        return self.listed / self.members if self.members else 0.0


@dataclass(frozen=True)
class Partition:
    """People of one state of consent: one file, because a destination takes consent per file and not per row."""

    state: str
    keys: pa.Table
    """One row per person in the order of the keys themselves, columns headed as the destination wants them."""


@dataclass(frozen=True)
class Listing:
    """What a destination can be given of an audience."""

    campaign: str
    recipe: Recipe
    members: int
    partitions: tuple[Partition, ...]
    coverage: tuple[Coverage, ...]
    rejects: pd.DataFrame
    """customer_key, key, reason."""

    @property
    def listed(self) -> int:
        """People listed, over all states of consent."""
        return sum(partition.keys.num_rows for partition in self.partitions)


def list_keys(run: Run, campaign: str, recipe: Recipe) -> Listing:
    """Build the match keys of everybody of an audience who may be listed at a destination at this moment.

    Parameters
    ----------
    run : Run
        Needs both databases.
    campaign : str
        The audience.
    recipe : Recipe
        With hashed keys; for plain addresses see :mod:`retention.campaigns.files.members`.

    Returns
    -------
    Listing. Of several people with one key the one with the stricter consent is listed, then the one with the lower pseudonym.

    Raises
    ------
    RecipeError when a published example comes out differently; RawValues when a hashed column holds anything but hashes.
    """
    check_vectors(recipe)
    consent = read_arrow(marketing_of(run), sql_file("marketing/_match_key_consent"), {"campaign": campaign}).to_pandas()
    states = [f"{key.field}_state" for key in recipe.keys]
    wanted = consent.loc[consent[states].isin(recipe.states).any(axis=1), "customer_key"]
    keys = contact_keys(run, recipe, wanted.tolist())
    people = consent.merge(keys, on="customer_key", how="left").sort_values("customer_key", ignore_index=True)
    for key in recipe.keys:
        _settle(people, key, recipe)
    return arrange(campaign, recipe, people)


def contact_keys(run: Run, recipe: Recipe, people: Sequence[int]) -> pd.DataFrame:
    """Return each key of a recipe per person or why there is none (``<key>``, ``<key>_reason``), and who shares an address."""
    binds = Binds()
    query = _PEOPLE.format(keys=keys_sql(recipe, "people", binds))
    listed = "{" + ",".join(map(str, people)) + "}"
    found: pd.DataFrame = read_arrow(run.warehouse, query, {**binds.values, "people": listed}).to_pandas()
    return found


def _settle(people: pd.DataFrame, key: Key, recipe: Recipe) -> None:
    """Let consent decide before the address does: who said no is not looked at for a typing mistake."""
    state = people[f"{key.field}_state"]
    withheld = ~state.isin(recipe.states)
    reason = people[f"{key.name}_reason"].astype(object)
    people[f"{key.name}_reason"] = reason.where(~withheld, state)
    people[key.name] = people[key.name].astype(object).where(~withheld, None)


def arrange(campaign: str, recipe: Recipe, people: pd.DataFrame) -> Listing:
    """Take duplicates out, split by consent, count what became of everybody.

    Parameters
    ----------
    campaign, recipe : str, Recipe
        Of which audience, by which rules.
    people : DataFrame
        One row per member by ``customer_key``: per key its value or its reason, ``<field>_state``, ``<field>_is_shared``.
    """
    rank = {state: place for place, state in enumerate(STATES)}
    strictness = pd.Series(0, index=people.index)
    for key in recipe.keys:
        own = people[f"{key.field}_state"].map(rank).fillna(0).astype(int)
        strictness = strictness.mask(people[key.name].notna() & (own > strictness), own)
    order = strictness.sort_values(ascending=False, kind="stable").index
    for key in recipe.keys:
        ordered = people.loc[order, key.name]
        repeated = ordered.duplicated(keep="first") & ordered.notna()
        repeated = repeated.reindex(people.index)
        people.loc[repeated, f"{key.name}_reason"] = "duplicate"
        people.loc[repeated, key.name] = None
    alone = [key.name for key in recipe.keys if key.is_alone]
    is_listed = people[alone].notna().any(axis=1)
    partitions = []
    for state in recipe.states:
        rows = people.loc[is_listed & (strictness == rank[state]), [key.name for key in recipe.keys]]
        if rows.empty:
            continue
        rows = rows.sort_values([key.name for key in recipe.keys], na_position="last", kind="stable")
        columns = {key.column: pa.Array.from_pandas(rows[key.name], type=pa.string()) for key in recipe.keys}
        partitions.append(Partition(state, pa.table(columns)))
    refuse_raw(recipe, partitions)
    rejects = [
        pd.DataFrame({"customer_key": found["customer_key"], "key": key.name, "reason": found[f"{key.name}_reason"]})
        for key in recipe.keys
        if not (found := people.loc[people[f"{key.name}_reason"].notna()]).empty
    ]
    return Listing(
        campaign=campaign,
        recipe=recipe,
        members=len(people),
        partitions=tuple(partitions),
        coverage=(*(_coverage(people, key) for key in recipe.keys), _coverage_of_any(people, is_listed)),
        rejects=pd.concat(rejects) if rejects else pd.DataFrame(columns=["customer_key", "key", "reason"]),
    )


def refuse_raw(recipe: Recipe, partitions: Sequence[Partition]) -> None:
    """Refuse a hashed column with anything in it that is no SHA-256: an address in the clear must never leave by mistake.

    Raises
    ------
    RawValues naming the column and how many, never a value.
    """
    for partition in partitions:
        for key in recipe.keys:
            values = [value for value in partition.keys.column(key.column).to_pylist() if value is not None]
            wrong = sum(1 for value in values if not _DIGEST.fullmatch(value) or value == _HASH_OF_NOTHING)
            if key.is_hashed and wrong:
                raise RawValues(
                    f"{recipe.name}, column {key.column}: {wrong:,} of {len(values):,} values are no SHA-256 of an address "
                    "(expected 0). Nothing was written, nothing left the warehouse."
                )


def _coverage(people: pd.DataFrame, key: Key) -> Coverage:
    reasons = people[f"{key.name}_reason"].value_counts()
    counted = {name: int(reasons.get(name, 0)) for name in REASONS}
    shared = f"{key.field}_is_shared"
    return Coverage(
        key=key.name,
        members=len(people),
        listed=int(people[key.name].notna().sum()),
        missing=counted["missing"],
        invalid=counted["invalid"],
        already_hashed=counted["already_hashed"],
        duplicate=counted["duplicate"],
        withheld=sum(counted[name] for name in _WITHHELD),
        # Null where consent kept the address unread: no share of anything.
        shared=int(people[shared].eq(True).sum()) if shared in people else 0,
    )


def _coverage_of_any(people: pd.DataFrame, is_listed: pd.Series) -> Coverage:
    return Coverage(ANY, len(people), int(is_listed.sum()), 0, 0, 0, 0, 0, 0)
