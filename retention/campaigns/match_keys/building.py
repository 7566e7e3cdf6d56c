"""Building match keys by a recipe: one text in Python, everybody in SQL. Both give the same key or the same reason for none."""

from __future__ import annotations

from dataclasses import dataclass
from textwrap import indent

from retention.campaigns.match_keys.recipes import Key, Recipe, RecipeError
from retention.campaigns.match_keys.steps import FORMS, SHA256_SQL, Binds, is_digest, is_digest_sql, sha256

REASONS = {
    "missing": ("no address is known", "没有地址"),
    "already_hashed": (
        "what is stored is a hash already; hashed again it would match nobody",
        "存储的已经是哈希值，再次哈希将无法匹配",
    ),
    "invalid": ("what is stored is no address of this kind", "不是有效的地址"),
    "not_of_channel": ("the address of a channel that this person is not contacted through", "不属于该客户的触达渠道"),
    "duplicate": ("another person in the list has the same key, which is listed once", "与名单中他人重复，只列一次"),
    "no_ads_consent": ("no consent to advertising for this address", "未授权用于广告"),
    "ads_withdrawn": ("consent to advertising withdrawn", "已撤回广告授权"),
    "refused_at_address": ("somebody who has the same address refused advertising there", "同一地址的使用者已拒绝广告"),
    "not_personalised": (
        "consent to profiling withdrawn, and this destination only personalises",
        "已拒绝画像，而该平台仅用于个性化投放",
    ),
}
"""Why somebody has no key, in English and Chinese."""


@dataclass(frozen=True)
class Built:
    """A key, or the reason why there is none."""

    value: str | None
    reason: str | None


def normalise(key: Key, text: str | None) -> Built:
    """Return the text by the steps of a key, before it is hashed, or the reason why it gives no key."""
    if text is None or not text.strip():
        return Built(None, "missing")
    if is_digest(text):
        return Built(None, "already_hashed")
    if key.before is not None and not FORMS[key.before].fits(text):
        return Built(None, "invalid")
    for step in key.steps:
        text = step.apply(text)
    if not FORMS[key.after].fits(text):
        return Built(None, "invalid")
    return Built(text, None)


def build(key: Key, text: str | None) -> Built:
    """Return the match key of one text.

    Parameters
    ----------
    key : Key
        One key of a recipe.
    text : str or None
        An e-mail address; a telephone number with its country code; a pseudonym.

    Returns
    -------
    The key as the destination wants it, or why there is none: ``missing``, ``already_hashed`` or ``invalid``.
    """
    built = normalise(key, text)
    if built.value is None or not key.is_hashed:
        return built
    return Built(sha256(built.value), None)


def keys_sql(recipe: Recipe, people: str, binds: Binds) -> str:
    """Return the query that builds the keys of everybody in ``people``.

    Parameters
    ----------
    recipe : Recipe
        Whose keys.
    people : str
        Name of a relation with ``customer_key``, ``email``, ``phone`` and ``customer`` (text).
    binds : Binds
        Gets the values of the query.

    Returns
    -------
    A query: ``customer_key`` and, per key of the recipe, ``<key>`` and ``<key>_reason``. Plain texts do not leave it where the
    key is hashed.
    """
    joins, columns = [], []
    for key in recipe.keys:
        column = f"people.{key.field}"
        joins.append(_lateral(f"{key.name}_0", f"{column} as text"))
        current = f"{key.name}_0.text"
        for place, step in enumerate(key.steps, start=1):
            joins.append(_lateral(f"{key.name}_{place}", f"{step.sql(current, binds)} as text"))
            current = f"{key.name}_{place}.text"
        joins.append(_lateral(f"{key.name}_said", f"{_reason_sql(key, column, current, binds)} as reason"))
        value = SHA256_SQL.format(column=current) if key.is_hashed else current
        columns.append(f"case when {key.name}_said.reason is null then {value} end as {key.name}")
        columns.append(f"{key.name}_said.reason as {key.name}_reason")
    selected = indent(",\n".join(["people.customer_key", *columns]), "    ")
    return f"select\n{selected}\nfrom {people} as people\n" + "\n".join(joins)


def _lateral(name: str, expression: str) -> str:
    # Kept from being written into the next step, which names its input several times: five steps would be computed 100 times.
    return f"cross join lateral (select {expression} offset 0) as {name}"


def _reason_sql(key: Key, column: str, normal: str, binds: Binds) -> str:
    before = f"when not {FORMS[key.before].sql(column, binds)} then 'invalid' " if key.before else ""
    return (
        f"case when {column} is null or btrim({column}, {binds.text(_STRIPPED)}) = '' then 'missing' "
        f"when {is_digest_sql(column, binds)} then 'already_hashed' {before}"
        f"when not {FORMS[key.after].sql(normal, binds)} then 'invalid' end"
    )


_STRIPPED = "".join(chr(code) for code in range(0x3001) if chr(code).isspace())
"""What :meth:`str.strip` takes away."""


def check_vectors(recipe: Recipe) -> int:
    """Try a recipe on its published examples and return how many there are.

    Raises
    ------
    RecipeError naming the example that came out differently: the recipe or the code was changed, and what was uploaded before
    would not be found again.
    """
    by_name = {key.name: key for key in recipe.keys}
    for place, vector in enumerate(recipe.vectors, start=1):
        normal = normalise(by_name[vector.key], vector.text).value
        digest = build(by_name[vector.key], vector.text).value or ""
        if normal != vector.normal or not digest.startswith(vector.digest or ""):
            raise RecipeError(
                f"{recipe.name}: published example {place} of {vector.key} does not come out as published. Nothing was built: "
                "such keys would match nobody."
            )
    return len(recipe.vectors)
