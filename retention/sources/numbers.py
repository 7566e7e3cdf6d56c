"""Numbers of a source as canonical text: a decimal point, ASCII digits, no grouping, no currency sign."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

EXACT_IN_FLOAT = 2.0**53
"""From here on neighbouring whole numbers look the same as floating point: an identifier stored so has lost digits."""

_FULL_WIDTH = str.maketrans("０１２３４５６７８９．，－＋", "0123456789.,-+")
_HAS_FULL_WIDTH = r"[０-９．，－＋]"
_PLAIN = r"^-?\d+(?:\.\d+)?$"
_SPACE = r" \x{00a0}\x{2007}\x{2009}\x{202f}'’"
_GROUPED = {
    ",": rf"^[-+]?(?:\d{{1,3}}(?:[.{_SPACE}]\d{{3}})+|\d+)(?:,\d+)?$",
    ".": rf"^[-+]?(?:\d{{1,3}}(?:[,{_SPACE}]\d{{3}})+|\d+)(?:\.\d+)?$",
    # Nobody said which sign is the decimal one: 1,234.50 and 1,234,567 can be read in one way only, 1,234 in two.
    None: (
        rf"^[-+]?(?:\d{{1,3}}(?:[{_SPACE}]\d{{3}})+(?:\.\d+)?"
        r"|\d{1,3}(?:,\d{3})+\.\d+|\d{1,3}(?:,\d{3}){2,}|\d+(?:\.\d+)?)$"
    ),
}
_SIGNS = {
    r"¥|￥": ("CNY", "JPY"),
    r"元|人民币|RMB|CNY|CN¥": ("CNY",),
    r"€|EUR": ("EUR",),
    r"£|GBP": ("GBP",),
    r"US\$|USD": ("USD",),
    r"HK\$|HKD": ("HKD",),
    r"\$": ("USD", "HKD", "SGD", "AUD", "CAD", "NZD"),
    r"JPY": ("JPY",),
}
"""Signs beside an amount, and the currencies that each may stand for."""
_ANY_SIGN = r"[¥￥€£$元币]|[A-Z]{3}"
_ROUNDED = r"^\s*\d(?:\.\d+)?[Ee]\+\d{2,3}\s*$"


def decimal_text(text: pa.Array, decimal: str | None = None) -> pa.Array:
    """Return numbers written for people as decimal text: ``1.234,56`` with ``decimal=","`` becomes ``1234.56``.

    What cannot be read in exactly one way stays as delivered, for validation to refuse.
    """
    if decimal != "," and is_plain(text):
        return text
    cleaned = pc.utf8_trim_whitespace(ascii_digits(text))
    cleaned = pc.replace_substring(cleaned, "\u2212", "-")
    cleaned = pc.replace_substring_regex(cleaned, r"^(\d[^-]*)-$", r"-\1")  # some systems write the sign behind
    fits = pc.match_substring_regex(cleaned, _GROUPED[decimal])
    bare = pc.replace_substring_regex(cleaned, rf"[+{_SPACE}{'.' if decimal == ',' else ','}]", "")
    return pc.if_else(pc.fill_null(fits, fill_value=False), pc.replace_substring(bare, ",", "."), text)


def is_plain(text: pa.Array) -> bool:
    """Tell whether all values are decimal text already."""
    return pc.all(pc.match_substring_regex(text, _PLAIN)).as_py() is not False


def ascii_digits(text: pa.Array) -> pa.Array:
    """Return full-width digits and signs, as Chinese input methods write them, as ASCII."""
    # Nearly all text is plain ASCII, which is told many times faster than a pattern is looked for.
    if pc.all(pc.string_is_ascii(text)).as_py() is not False:
        return text
    if not pc.any(pc.match_substring_regex(text, _HAS_FULL_WIDTH)).as_py():
        return text
    return pa.array([None if value is None else value.translate(_FULL_WIDTH) for value in text.to_pylist()], pa.string())


def without_currency(text: pa.Array, currency: pa.Array) -> pa.Array:
    """Take the currency sign off amounts where it agrees with the currency of the row.

    Without a currency, or with another one, the amount stays as delivered: it says something else than its row.
    """
    if not pc.any(pc.match_substring_regex(text, _ANY_SIGN)).as_py():
        return text
    for sign, currencies in _SIGNS.items():
        shape = rf"^([-+]?)\s*(?:{sign})\s*([-+]?[\d０-９][^A-Z¥￥€£$元币]*)$|^([-+]?[\d０-９][^A-Z¥￥€£$元币]*?)\s*(?:{sign})$"
        agrees = pc.and_(
            pc.fill_null(pc.match_substring_regex(text, shape), fill_value=False),
            pc.fill_null(pc.is_in(currency, value_set=pa.array(currencies)), fill_value=False),
        )
        text = pc.if_else(agrees, pc.replace_substring_regex(text, shape, r"\1\2\3"), text)
    return text


def float_text(values: pa.Array) -> pa.Array:
    """Return floating point as text; a whole number without point and exponent (7, not 7.0 or 1.38e+10)."""
    whole = pc.and_(pc.equal(values, pc.floor(values)), pc.less(pc.abs(values), EXACT_IN_FLOAT))
    whole = pc.fill_null(whole, fill_value=False)
    integers = pc.cast(pc.if_else(whole, values, pa.scalar(None, values.type)), pa.int64())
    return pc.coalesce(pc.cast(integers, pa.string()), pc.cast(values, pa.string()))


def lost_digits(values: pa.Array) -> bool:
    """Tell whether floating point numbers are so large that their last digits are gone."""
    return bool(pc.any(pc.greater_equal(pc.abs(values), EXACT_IN_FLOAT)).as_py())


def rounded(text: pa.Array) -> int:
    """Count texts such as 1.38E+17: what a spreadsheet leaves of a long number."""
    return int(pc.sum(pc.match_substring_regex(text, _ROUNDED)).as_py() or 0)
