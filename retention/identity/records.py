"""Source customers in the form in which they are compared, and the blocks in which candidates for comparison meet.

A block is a hash of something that two records of one person often share: a telephone number, a name with the day of birth.
Only records that meet in a block of at most ``block_limit`` members are compared, so the cost follows the number of people
and not its square. Everything here looks at one record and the stored model alone, never at who else there is: that is what
lets a day be linked without looking at everybody again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from retention.identity.names import parse_name

if TYPE_CHECKING:
    from retention.identity.model import NameFrequencies

Keys = npt.NDArray[np.int64]
Column = npt.NDArray[np.object_]

COLUMNS = (
    "source_customer_key", "source", "customer_id", "source_created_at", "name", "email_normalised", "phone_e164", "birth_date",
    "gender", "city", "region", "wedding_anniversary", "customer_kind",
)  # fmt: skip
"""What linkage reads of a source customer."""

_ROLES = frozenset({
    "info", "sales", "contact", "office", "admin", "service", "support", "hello", "mail", "noreply",
    "no-reply", "marketing", "hr", "finance", "kefu", "shop", "test", "none", "na",
})  # fmt: skip
_NO_NUMBER = frozenset(("+8613800138000", "+8613000000000", "+8613012345678", "+8613812345678", "+8612345678901"))
_NO_BIRTH = frozenset(
    ("19000101", "19010101", "19700101", "19800101", "19900101", "20000101", "18000101", "18991230", "00010101")
)
_GENDERS = {"male": "m", "m": "m", "男": "m", "female": "f", "f": "f", "女": "f"}
ADDRESS_KINDS = ("email", "phone")
_NONE = np.array(None, dtype=object)
_COMMON_NAME = 8.0
"""Names with more expected bearers than this meet only together with something else."""


def as_keys(keys: Iterable[int]) -> Keys:
    """Return keys as an array, also when there are none."""
    return np.fromiter(keys, dtype=np.int64)


def prepare(records: pd.DataFrame, frequencies: NameFrequencies) -> pd.DataFrame:
    """Bring records into comparable form.

    Parameters
    ----------
    records : DataFrame with :data:`COLUMNS`
        One row per source customer.
    frequencies : NameFrequencies
        How common names are, as the model has them.

    Returns
    -------
    DataFrame, one row per source customer in the same order: ``unique_id`` and what :mod:`.comparisons` compares. Role
    addresses (info@), numbers that forms are filled with (13800138000) and dates that stand for none (1900-01-01) are null.
    """
    out = pd.DataFrame({"unique_id": records["source_customer_key"].to_numpy(dtype=np.int64)})
    out["source"] = _texts(records["source"])
    names = _map(_texts(records["name"]), parse_name)
    for part in ("script", "full", "sound", "surname", "given"):
        out["name_full" if part == "full" else part] = np.array([getattr(n, part) if n else None for n in names], dtype=object)
    company = np.array([kind == "company" for kind in _texts(records["customer_kind"])])
    out.loc[company & out["name_full"].notna().to_numpy(), "script"] = "company"
    out["email"] = _map(_texts(records["email_normalised"]), _personal_email)
    local = _map(out["email"].to_numpy(), lambda address: address.rpartition("@")[0])
    out["email_local"] = local
    out["email_domain"] = _map(out["email"].to_numpy(), lambda address: address.rpartition("@")[2])
    out["phone"] = _map(_texts(records["phone_e164"]), _personal_phone)
    out["birth"] = _map(_days(records["birth_date"]), lambda day: None if day in _NO_BIRTH else day)
    out["wedding"] = _days(records["wedding_anniversary"])
    out["gender"] = _map(_texts(records["gender"]), lambda text: _GENDERS.get(text.strip().lower()))
    out["city"] = _map(_texts(records["city"]), _place)
    out["region"] = _map(_texts(records["region"]), _place)
    out["tf_name_full"] = frequencies.shares(out)
    return out


def blocks(prepared: pd.DataFrame, expected_bearers: npt.NDArray[np.float64], pepper: bytes) -> pd.DataFrame:
    """Return in which blocks records meet.

    Parameters
    ----------
    prepared : DataFrame
        By :func:`prepare`.
    expected_bearers : array of float
        How many people of the name the model expects.
    pepper : bytes
        The blocks are keyed hashes: they say nothing to who has not got it.

    Returns
    -------
    DataFrame of ``block`` and ``source_customer_key``, without duplicates. Blocks of addresses are odd, all others even.
    """
    column = {
        name: prepared[name].to_numpy()
        for name in ("name_full", "sound", "surname", "given", "script", "email", "phone", "birth", "city")
    }
    common = np.asarray(expected_bearers > _COMMON_NAME)
    latin = column["script"] == "latin"
    year, month_day = _part(column["birth"], slice(0, 4)), _part(column["birth"], slice(4, 8))
    sound = column["sound"]
    common_sound = _where(common, sound)
    local = _map(prepared["email_local"].to_numpy(), lambda text: text if len(text) >= 6 else None)
    recipes: list[tuple[str, tuple[Column, ...]]] = [
        ("email", (column["email"],)),
        ("phone", (column["phone"],)),
        ("family name and birth", (column["surname"], column["birth"])),
        ("given name and birth", (_where(latin, column["given"]), column["birth"])),
        ("mailbox", (local,)),
        ("name", (_where(~common, sound),)),
        ("name and city", (common_sound, column["city"])),
        ("name and year", (common_sound, year)),
        ("name and birthday", (common_sound, month_day)),
        ("name and number's end", (common_sound, _part(column["phone"], slice(-4, None)))),
        ("name and number's beginning", (common_sound, _part(column["phone"], slice(0, -4)))),
    ]
    keys = prepared["unique_id"].to_numpy()
    parts = []
    for kind, values in recipes:
        known = np.logical_and.reduce([pd.notna(value) for value in values])
        parts.append((_hash(kind, [value[known] for value in values], pepper), keys[known]))
    return pd.DataFrame(
        {
            "block": np.concatenate([part[0] for part in parts]),
            "source_customer_key": np.concatenate([part[1] for part in parts]),
        }
    )


def address_blocks(prepared: pd.DataFrame, address: Literal["email", "phone"], pepper: bytes) -> Keys:
    """Return the block of each record's address; 0 where it has none."""
    values = prepared[address].to_numpy()
    known = pd.notna(values)
    found = np.zeros(len(values), dtype=np.int64)
    found[known] = _hash(address, [values[known]], pepper)
    return found


def _hash(kind: str, values: list[Column], pepper: bytes) -> Keys:
    """Hash what records share, keyed, and mark addresses in the last bit."""
    text = np.full(len(values[0]), kind, dtype=object)
    for value in values:
        text = text + "\x1f" + value
    hash_key = hashlib.sha256(b"linkage blocks" + pepper).hexdigest()[:16]
    hashed: Keys = pd.util.hash_array(text, hash_key=hash_key).view(np.int64)
    return hashed | 1 if kind in ADDRESS_KINDS else hashed & ~np.int64(1)


def _texts(values: pd.Series) -> Column:
    """Return values as text or None."""
    array = values.to_numpy(dtype=object)
    return _where(~pd.isna(array), array)


def _where(chosen: npt.NDArray[np.bool_], values: Column) -> Column:
    """Return the chosen values, None for the rest."""
    return np.asarray(np.where(chosen, values, _NONE), dtype=object)


def _map(values: Column, function: Callable[[str], object]) -> Column:
    """Apply a function to each different text once; None stays None."""
    codes, unique = pd.factorize(values)
    found = np.empty(len(unique) + 1, dtype=object)
    for place, value in enumerate(unique):
        found[place] = function(value)
    found[-1] = None  # the code of a missing value is -1
    return np.asarray(found[codes], dtype=object)


def _days(values: pd.Series) -> Column:
    """Return dates as YYYYMMDD."""
    return _map(
        _texts(values), lambda day: day.strftime("%Y%m%d") if hasattr(day, "strftime") else str(day).replace("-", "")[:8]
    )


def _part(values: Column, part: slice) -> Column:
    return _map(values, lambda text: text[part])


def _personal_email(address: str) -> str | None:
    return None if address.rpartition("@")[0] in _ROLES else address


def _personal_phone(number: str) -> str | None:
    """Return a number unless it is what people type when a form insists."""
    return None if number in _NO_NUMBER or len(set(number[-8:])) == 1 else number


def _place(text: str) -> str | None:
    plain = text.strip().casefold()
    return plain.removesuffix("市").removesuffix("省").removesuffix(" city") or None
