"""Lists that somebody else hashed: does the column hold hashes, are they of the right kind, were they hashed once?"""

from __future__ import annotations

import base64
import re
from collections import Counter
from collections.abc import Iterable

import sqlalchemy as sa

from retention.campaigns.match_keys.building import keys_sql
from retention.campaigns.match_keys.recipes import Key, Recipe
from retention.campaigns.match_keys.steps import BLANKS, FORMS, SHA256_SQL, Binds, is_digest
from retention.warehouse import Warehouse

KINDS = {
    "sha256": ("SHA-256 as it must be", "正确的 SHA-256"),
    "capitals": ("SHA-256 in capitals or with blanks: matches nobody", "大写或带空格的 SHA-256，无法匹配"),
    "other_hash": ("another hash (MD5, SHA-1, base 64): matches nobody", "其他哈希（MD5、SHA-1、base64），无法匹配"),
    "of_nothing": ("hash of an empty text: one key for everybody without an address", "空文本的哈希"),
    "raw": ("an address in the clear: must not leave", "明文地址，不得外发"),
    "empty": ("empty", "空"),
    "other": ("something else", "其他"),
    "hashed_twice": ("hash of the hash of an address of ours: matches nobody", "二次哈希，无法匹配"),
    "known": ("key of an address of ours by this recipe", "与本库地址按此规则的匹配键一致"),
}
"""What a value can turn out to be, in English and Chinese."""
_OF_NOTHING = {
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",  # SHA-256
    "d41d8cd98f00b204e9800998ecf8427e",  # MD5
    "da39a3ee5e6b4b0d3255bfef95601890afd80709",  # SHA-1
}
_SHA256 = re.compile(r"[0-9a-f]{64}")


def kind_of(value: str | None) -> str:
    """Return what one value of a hashed column is: a name of :data:`KINDS`.

    Examples
    --------
    >>> kind_of("ana@example.com"), kind_of("+86 138 1234 5678"), kind_of("AB" * 32), kind_of("ab" * 32)
    ('raw', 'raw', 'capitals', 'sha256')
    """
    text = (value or "").strip(BLANKS)
    if not text:
        return "empty"
    if text.lower() in _OF_NOTHING:
        return "of_nothing"
    if _SHA256.fullmatch(text):
        return "sha256" if text == value else "capitals"
    if _SHA256.fullmatch(text.lower()):
        return "capitals"
    if is_digest(text):
        return "other_hash"
    if FORMS["email"].fits(text) or FORMS["international"].fits(text) or re.fullmatch(r"[0-9 ()-]{7,20}", text):
        return "raw"
    return "other"


def in_hexadecimal(value: str) -> str:
    """Return a digest written in base 64 as hexadecimal; others as they are, in small letters."""
    text = value.strip(BLANKS)
    if re.fullmatch(r"[0-9A-Za-z+/]{43}=", text):
        return base64.b64decode(text).hex()
    return text.lower()


def inspect_column(warehouse: Warehouse, recipe: Recipe, key: Key, values: Iterable[str | None]) -> dict[str, int]:
    """Count what the values of a hashed column are, and which were hashed twice.

    Hashed twice cannot be seen from a hash alone; it is found for addresses we know, by hashing our own keys again.

    Parameters
    ----------
    warehouse : Warehouse
        Whose addresses are compared with, inside the database.
    recipe, key : Recipe, Key
        By which rules the column should have been made.
    values : iterable
        The column, nulls as None.

    Returns
    -------
    Counts by the names of :data:`KINDS`; ``known`` and ``hashed_twice`` are among the hashes, not beside them.
    """
    kinds: Counter[str] = Counter()
    digests: Counter[str] = Counter()
    for value in values:
        kind = kind_of(value)
        kinds[kind] += 1
        if kind in ("sha256", "capitals", "other_hash"):
            digests[in_hexadecimal(value or "")] += 1
    counts = {name: kinds.get(name, 0) for name in KINDS}
    if digests:
        counts.update(_compared(warehouse, recipe, key, digests))
    return counts


def _compared(warehouse: Warehouse, recipe: Recipe, key: Key, digests: Counter[str]) -> dict[str, int]:
    binds = Binds()
    built = keys_sql(recipe, "people", binds)
    twice = SHA256_SQL.format(column=f"built.{key.name}")
    with warehouse.connect() as connection:
        row = connection.execute(
            sa.text(
                "with people as materialized (select customer_key, email, phone, cast(customer_key as text) as customer "
                f"from pii.contact), built as ({built}), own as (select distinct built.{key.name} as once, {twice} as twice "
                f"from built where built.{key.name} is not null), "
                "given as (select * from unnest(cast(:digests as text[]), cast(:times as bigint[])) as given (digest, times)) "
                "select coalesce(sum(given.times) filter (where given.digest in (select once from own)), 0) as known, "
                "coalesce(sum(given.times) filter (where given.digest in (select twice from own)), 0) as hashed_twice "
                "from given"
            ),
            {**binds.values, "digests": list(digests), "times": list(digests.values())},
        ).one()
    return {"known": int(row.known), "hashed_twice": int(row.hashed_twice)}
