"""What the columns of a source hold, told without showing whom: types, shares, forms; values only where they are nobody's.

A profile holds no value of a column, except ranges of numbers and times and short codes, and those only of columns that are
known not to be about one person (``shown``): a column of first names looks like a column of codes.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from retention.sources.families import readable
from retention.sources.mapping import canonical_text
from retention.sources.numbers import decimal_text
from retention.sources.sampling import Sample

FORMATS = (
    "%Y/%m/%d %H:%M:%S", "%Y/%m/%d %H:%M", "%Y/%m/%d", "%d/%m/%Y %H:%M:%S", "%d/%m/%Y %H:%M", "%d/%m/%Y",
    "%m/%d/%Y %H:%M:%S", "%m/%d/%Y %H:%M", "%m/%d/%Y", "%d.%m.%Y %H:%M:%S", "%d.%m.%Y %H:%M", "%d.%m.%Y",
    "%Y.%m.%d", "%Y年%m月%d日 %H:%M:%S", "%Y年%m月%d日 %H:%M", "%Y年%m月%d日", "%Y%m%d%H%M%S", "%Y%m%d",
)  # fmt: skip
"""Ways of writing a time that are tried on text which is no ISO 8601, likeliest first."""

_MOST, _NEARLY_ALL = 0.8, 0.95
_EMAIL = r"^\s*[^@\s]+@[^@\s]+\.[^@\s.]+\s*$"
_PHONE = r"^\s*(?:\+\d[\d ()-]{6,18}\d|(?:0086|86)?[- ]?1[3-9]\d[- ]?\d{4}[- ]?\d{4}|0\d{2,3}-\d{7,8})\s*$"
_TIME = re.compile(r"\d{4}-\d{2}-\d{2}")
_NUMBER = r"^[-+]?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?$"
_CODE = re.compile(r"^(?:[A-Za-z0-9_-]{1,20}|[\u4e00-\u9fff]{1,4})$")
_MOST_CODES, _ENOUGH = 12, 30
_EPOCH_S, _EPOCH_MS = (10**9, 2 * 10**9), (10**12, 2 * 10**12)


@dataclass(frozen=True)
class ColumnProfile:
    """What one column of a sample is like."""

    name: str
    family: str
    """Of its type as the source declares it: integer, number, text, timestamp, date, boolean, other."""
    kind: str
    """What its values are: email, phone, time, date, number, integer, boolean, code, text, empty."""
    rows: int
    filled: int
    distinct: int
    form: str
    """The commonest form of its values, letters as x and digits as 9: ``xxx-9999``."""
    shortest: int
    longest: int
    format: str | None = None
    """How its times are written, where they are no ISO 8601: a format of ``strptime``, epoch_s or epoch_ms."""
    is_format_certain: bool = True
    """False where another format reads every value just as well (3/4/2026)."""
    decimal: str | None = None
    """Decimal sign to describe; None where nothing needs to be said."""
    low: str | None = None
    high: str | None = None
    codes: tuple[str, ...] = ()

    @property
    def filled_share(self) -> float:
        """Share of rows with a value."""
        return self.filled / self.rows if self.rows else 0.0

    @property
    def is_unique(self) -> bool:
        """Whether no value of the sample repeats and none is missing."""
        return self.rows > 0 and self.filled == self.rows == self.distinct

    @property
    def is_time(self) -> bool:
        """Whether its values are times or days."""
        return self.kind in ("time", "date")


def profile(sample: Sample, timezone: str, shown: Mapping[str, bool] | None = None) -> dict[str, ColumnProfile]:
    """Describe every column of a sample.

    Parameters
    ----------
    timezone : str
        Zone of times without an offset.
    shown : mapping, optional
        By column of the source: whether codes and the range of its values may be shown, or not. Of a column that is not named
        only the years of times are.
    """
    return {
        name: _column(name, values, sample.families.get(name, "text"), timezone, (shown or {}).get(name))
        for name, values in sample.columns.items()
    }


def _column(name: str, values: pa.Array, family: str, timezone: str, shown: bool | None) -> ColumnProfile:
    text = canonical_text(values, timezone, "timestamptz" if family == "timestamp" else None)
    filled = text.drop_null()
    counts: Counter[str] = Counter(filled.to_pylist())
    lengths = pc.utf8_length(filled)
    kind, format_, certain, decimal = _kind(filled, family, timezone)
    if kind == "text" and _are_codes(counts):
        kind = "code"
    low, high = _range(filled, kind, format_, decimal, timezone, shown)
    return ColumnProfile(
        name=name,
        family=family,
        kind=kind,
        rows=len(text),
        filled=len(filled),
        distinct=len(counts),
        form=_form(counts),
        shortest=int(pc.min(lengths).as_py() or 0),
        longest=int(pc.max(lengths).as_py() or 0),
        format=format_,
        is_format_certain=certain,
        decimal=decimal,
        low=low,
        high=high,
        codes=tuple(sorted(counts)) if shown and _are_codes(counts) else (),
    )


def _kind(text: pa.Array, family: str, timezone: str) -> tuple[str, str | None, bool, str | None]:
    """Return what the values are, how times are written, whether that is certain, and the decimal sign."""
    if not len(text):
        return "empty", None, True, None
    if family in ("timestamp", "date", "boolean"):
        return {"timestamp": "time"}.get(family, family), None, True, None
    if _share(text, _PHONE) >= _MOST:
        return "phone", None, True, None
    if family in ("integer", "number"):
        return (*_of_numbers(text, "integer" if family == "integer" else "number"), True, None)
    if _share(text, _EMAIL) >= _MOST:
        return "email", None, True, None
    if _reads(text, "boolean") and not _reads(text, "numeric"):
        return "boolean", None, True, None
    if _reads(text, "timestamptz"):
        return ("date" if _reads(text, "date") else "time"), None, True, None
    fitting = [one for one in FORMATS if _fits(text, one, timezone)]
    if fitting:
        return ("time" if "%H" in fitting[0] else "date"), fitting[0], len(fitting) == 1, None
    if _reads(text, "integer"):
        return (*_of_numbers(text, "integer"), True, None)
    for decimal in (None, ",", "."):
        if _reads(decimal_text(text, decimal), "numeric"):
            return "number", None, True, decimal
    return "text", None, True, None


def _of_numbers(text: pa.Array, kind: str) -> tuple[str, str | None]:
    """Return integers in the range of recent epochs as times: nothing else a company counts lies there throughout."""
    numbers = pc.cast(text.filter(pc.match_substring_regex(text, r"^-?\d{1,15}(?:\.\d+)?$")), pa.float64())
    if len(numbers) == len(text) >= 1:
        low, high = pc.min(numbers).as_py(), pc.max(numbers).as_py()
        for unit, (first, last) in (("epoch_s", _EPOCH_S), ("epoch_ms", _EPOCH_MS)):
            if first <= low and high < last:
                return "time", unit
    return kind, None


def _range(
    text: pa.Array, kind: str, format_: str | None, decimal: str | None, timezone: str, shown: bool | None
) -> tuple[str | None, str | None]:
    if shown is False or not len(text):
        return None, None
    if kind in ("time", "date"):
        times = canonical_text(text, timezone, "timestamptz" if kind == "time" else "date", format_)
        # Of a column nobody has described a day may be a birthday: the years are enough to see what it is.
        cut = 16 if shown else 4
        # What is no time stays as it was delivered, and may be anything: a telephone number in the wrong column.
        ordered = sorted(one[:cut] for one in times.to_pylist() if _TIME.match(one))
        return (ordered[0], ordered[-1]) if ordered else (None, None)
    if kind in ("integer", "number") and shown:
        plain = decimal_text(text, decimal)  # what is no number stays as it was delivered: one in twenty may
        numbers = pc.cast(plain.filter(pc.match_substring_regex(plain, _NUMBER)), pa.float64())
        return (f"{pc.min(numbers).as_py():g}", f"{pc.max(numbers).as_py():g}") if len(numbers) else (None, None)
    return None, None


def _share(text: pa.Array, pattern: str) -> float:
    return float(pc.mean(pc.cast(pc.match_substring_regex(text, pattern), pa.float64())).as_py() or 0)


def _reads(text: pa.Array, type_: str) -> bool:
    looked_at, read = readable(text, type_)
    return looked_at > 0 and read >= _NEARLY_ALL * looked_at


def _fits(text: pa.Array, format_: str, timezone: str) -> bool:
    if format_ in ("%Y%m%d", "%Y%m%d%H%M%S") and _share(text, r"^(?:19|20)\d{6}(?:\d{6})?$") < 1:
        return False
    read = canonical_text(text, timezone, "timestamptz", format_)
    return _share(read, r"^\d{4}-\d{2}-\d{2}T") >= _NEARLY_ALL


def _are_codes(counts: Mapping[str, int]) -> bool:
    """Tell whether values are codes that many rows share: few, short, and each of several rows, so nobody's own."""
    filled = sum(counts.values())
    return (
        filled >= _ENOUGH
        and len(counts) <= _MOST_CODES
        and min(counts.values()) >= 2
        and all(_CODE.match(code) and sum(sign.isdigit() for sign in code) <= 5 for code in counts)
    )


def _form(counts: Mapping[str, int]) -> str:
    """Return the commonest form of values, runs shortened: ``x+@x+.x+`` says e-mail without saying whose."""
    forms: Counter[str] = Counter()
    for value, count in counts.items():
        forms[shape(value)] += count
    return forms.most_common(1)[0][0] if forms else ""


def shape(value: str) -> str:
    """Return the form of a value: letters as x, digits as 9, other scripts as 某, long runs with a plus."""
    masked = "".join(
        "9" if sign.isdigit() else ("x" if sign.isascii() else "某") if sign.isalpha() else sign if sign.isascii() else "?"
        for sign in value[:60]
    )
    return re.sub(r"([x9某?])\1{3,}", r"\1+", masked)[:24]


def keys_of(sample: Sample, candidates: Sequence[Sequence[str]]) -> list[str] | None:
    """Return the first combination of columns whose values are all given and never repeat in the sample."""
    for names in candidates:
        if not names or any(name not in sample.columns for name in names) or not sample.rows:
            continue
        values = [sample.columns[name].to_pylist() for name in names]
        rows = list(zip(*values, strict=True))
        if len(set(rows)) == len(rows) and all(None not in row for row in rows):
            return list(names)
    return None
