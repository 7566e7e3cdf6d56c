"""Addresses in the one form in which they can be compared: e-mail addresses and telephone numbers."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

import idna
import phonenumbers

# Invisible characters that copying out of documents leaves in addresses; they never belong to one.
_INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff]"
)
_LOCAL = re.compile(r"[^\s@\x00-\x1f\x7f\ud800-\udfff]{1,64}")
_DOMAIN = re.compile(r"(?=.{1,253}$)[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)+")
_PLAIN_EMAIL = re.compile(r"[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9]+(-[A-Za-z0-9]+)*(\.[A-Za-z0-9]+(-[A-Za-z0-9]+)*)+")
_FULL_WIDTH = str.maketrans(
    {chr(0xFF01 + place): chr(0x21 + place) for place in range(94)} | {"。": ".", "｡": ".", "\u3000": " "}
)
# 0755-26613388-801: the third part is a desk.
_DASH_EXTENSION = re.compile(r"(.*[0-9]{4,})-[0-9]{1,5}")
# Chinese mobile numbers as nearly all are typed; phonenumbers comes to the same result, at fifty times the cost.
_CHINESE_MOBILE = re.compile(r"(?:\+86 ?)?(1[3-9][0-9]{9})")


def normalise_email(address: str | None) -> str | None:
    """Return an e-mail address trimmed, in lower case, its domain in ASCII form; None when it is none.

    What stands before the @ is kept but for its case: "+shop" and dots tell mailboxes apart at most providers, and taking
    them away would join strangers. (Letter case tells mailboxes apart at none that matters.)

    Examples
    --------
    >>> normalise_email("  Ana.Li+Shop@Example.COM ")
    'ana.li+shop@example.com'
    >>> normalise_email("bo@bücher.example")
    'bo@xn--bcher-kva.example'
    >>> normalise_email("no address") is None
    True
    """
    if not address or len(address) > 400:
        return None
    if _PLAIN_EMAIL.fullmatch(address) and len(address) <= 250:  # nothing to fold but the case: nearly all of them
        return address.lower()
    text = _INVISIBLE.sub("", unicodedata.normalize("NFC", address)).translate(_FULL_WIDTH).strip()
    local, at, domain = text.rpartition("@")
    # Lower case first, composition after: some capitals fall apart into letters and accents.
    local = unicodedata.normalize("NFC", local.lower())
    if not at or not _LOCAL.fullmatch(local):
        return None
    domain = domain.strip().rstrip(".").lower()
    if not domain.isascii():
        try:
            domain = idna.encode(domain, uts46=True).decode("ascii")
        except (idna.IDNAError, UnicodeError):
            return None
    if not _DOMAIN.fullmatch(domain):
        return None
    return f"{local}@{domain}"


def normalise_phone(number: str | None, region: str = "CN") -> str | None:
    """Return a telephone number in E.164 form; None when it cannot be one.

    An extension ("-801", "转801") is left out: it names a desk, not a number that can be dialled.

    Parameters
    ----------
    number : str or None
        As typed.
    region : str
        Country of numbers written without a country code, ISO 3166.

    Examples
    --------
    >>> normalise_phone("138 0013 8000")
    '+8613800138000'
    >>> normalise_phone("0044 20 7946 0958")
    '+442079460958'
    >>> normalise_phone("12") is None
    True
    """
    if not number or len(number) > 60:
        return None
    mobile = _CHINESE_MOBILE.fullmatch(number)
    if mobile and (region == "CN" or number[0] == "+"):
        return f"+86{mobile[1]}"
    return _parsed_phone(number, region)


@lru_cache(maxsize=65536)
def _parsed_phone(number: str, region: str) -> str | None:
    """Return a number as phonenumbers reads it."""
    # Full-width digits and signs are what Chinese keyboards type.
    text = _INVISIBLE.sub("", unicodedata.normalize("NFKC", number)).strip()
    if text.startswith("00"):
        text = "+" + text[2:]
    text = re.split(r"转|轉|分机|分機", text, maxsplit=1)[0]
    found = _possible(text, region)
    if found is None and (extension := _DASH_EXTENSION.fullmatch(text)):
        found = _possible(extension[1], region)
    return found


def _possible(text: str, region: str) -> str | None:
    try:
        parsed = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_possible_number(parsed):
        return None
    return str(phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164))
