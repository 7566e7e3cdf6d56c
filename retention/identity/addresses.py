"""Addresses in the one form in which they can be compared: e-mail addresses and telephone numbers."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

import idna
import phonenumbers

# Invisible characters that copying out of documents leaves in addresses; they never belong to one.
_INVISIBLE = re.compile("[\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff\u00ad]")
_LOCAL = re.compile(r"[^\s@\x00-\x1f\x7f]{1,64}")
_DOMAIN = re.compile(r"(?=.{1,253}$)[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)+")


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
    if not address:
        return None
    text = _INVISIBLE.sub("", unicodedata.normalize("NFC", address)).strip()
    local, at, domain = text.rpartition("@")
    if not at or not _LOCAL.fullmatch(local):
        return None
    domain = domain.strip().rstrip(".").lower()
    if not domain.isascii():
        try:
            domain = idna.encode(domain, uts46=True).decode("ascii")
        except idna.IDNAError:
            return None
    if not _DOMAIN.fullmatch(domain):
        return None
    return f"{local.lower()}@{domain}"


@lru_cache(maxsize=65536)
def normalise_phone(number: str | None, region: str = "CN") -> str | None:
    """Return a telephone number in E.164 form; None when it cannot be one.

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
    # Full-width digits and signs are what Chinese keyboards type.
    text = _INVISIBLE.sub("", unicodedata.normalize("NFKC", number)).strip()
    if text.startswith("00"):
        text = "+" + text[2:]
    try:
        parsed = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_possible_number(parsed):
        return None
    return str(phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164))
