"""What strangers send: one good row of every entity, what can be put into its columns, and which column is of which kind.

Entities and columns come from the landing contracts: a column added later is attacked without anybody thinking of it, and an
entity added later fails here until it has a good row.
"""

from __future__ import annotations

from retention.warehouse import all_contracts
from tests.conftest import BUSINESS_DATE

DAY = BUSINESS_DATE.isoformat()
_PLACE = {"batch_id", "position", "file"}

ENTITIES: dict[str, list[str]] = {
    contract.name: [name for name in contract.column_names if name not in _PLACE]
    for contract in all_contracts().values()
    if contract.schema == "landing" and set(contract.column_names) >= _PLACE
}
"""Our columns of every entity that sources deliver."""

KEYS = {
    entity: next(
        [*check.arguments["columns"]] for check in all_contracts()[f"landing.{entity}"].checks if check.rule == "unique_version"
    )
    for entity in ENTITIES
}
"""By which columns each entity tells its rows apart."""

OWN_KEY = {
    entity: next(
        (
            c
            for c in (f"{entity}_id", "event_id", "answer_id", "entry_id", "mention_id", "tag", "kind", "series", "line_number")
            if c in KEYS[entity]
        ),
        KEYS[entity][0],
    )
    for entity in ENTITIES
}
"""The key column that a generator may number freely without breaking a reference."""

_AT, _EARLIER = f"{DAY}T08:00:00+08:00", "2026-03-10T08:00:00+08:00"
VALID: dict[str, dict[str, str | None]] = {
    "customer": {
        "customer_id": "ana", "name": "Ana Li", "email": "ana@example.com", "phone": "+86 138 0013 8000", "gender": "female",
        "birth_date": "1990-02-28", "wedding_anniversary": "2015-06-01", "city": "Wuhan", "region": "Hubei", "occupation": "teacher",
        "acquisition_channel": "web", "account_owner": "Wu", "customer_kind": "consumer", "personality_tag": "calm", "language": "zh",
        "member_since": _EARLIER, "is_test": "false", "created_at": _EARLIER,
    },
    "customer_tag": {"customer_id": "ana", "tag": "reader", "set_by": "Wu", "set_at": _EARLIER, "removed_at": None},
    "consent": {
        "consent_id": "1", "customer_id": "ana", "purpose": "marketing", "channel": "all", "decision": "granted",
        "decided_at": _EARLIER, "origin": "form",
    },
    "product": {
        "product_id": "milk", "name": "Milk", "category_path": "Food > Dairy > Milk", "brand": "Cow", "list_price": "12.50",
        "unit_cost": "8", "stock_on_hand": "5", "is_replenishable": "true", "currency": "CNY",
    },
    "order": {
        "order_id": "o1", "customer_id": "ana", "ordered_at": _EARLIER, "paid_at": _EARLIER, "cancelled_at": None, "refunded_at": None,
        "currency": "CNY", "gross_amount": "100.00", "discount_amount": "0", "refund_amount": None, "channel": "web", "store": "1",
        "coupon_code": "SPRING", "campaign": "welcome",
    },
    "order_line": {
        "order_id": "o1", "line_number": "1", "product_id": "milk", "quantity": "2", "unit_price": "50.00", "discount_amount": "0",
        "returned_quantity": "0", "returned_at": None,
    },
    "complaint": {
        "complaint_id": "k1", "customer_id": "ana", "order_id": "o1", "channel": "phone", "category": "quality", "severity": "minor",
        "text": "It was sour.", "opened_at": _EARLIER, "acknowledged_at": _AT, "first_replied_at": None, "resolved_at": None,
        "compensation_amount": "0", "satisfaction": "4", "satisfaction_at": _AT, "root_cause": "heat", "responsible_team": "dairy",
    },
    "interaction": {
        "interaction_id": "i1", "customer_id": "ana", "channel": "app", "kind": "visit", "direction": "in", "occurred_at": _AT,
        "dwell_seconds": "12.5", "subject": "milk", "category": "Food",
    },
    "survey_answer": {
        "answer_id": "s1", "customer_id": "ana", "instrument": "nps", "score": "9", "comment": "Good.", "about_kind": "order",
        "about_id": "o1", "answered_at": _AT,
    },
    "referral": {
        "referral_id": "r1", "referrer_customer_id": "ana", "referred_customer_id": None, "referred_contact": "bo@example.com",
        "referred_at": _EARLIER, "converted_at": None, "reward_amount": "10",
    },
    "campaign_event": {
        "event_id": "e1", "campaign": "welcome", "customer_id": "ana", "send_key": None, "channel": "email", "kind": "opened",
        "occurred_at": _AT,
    },
    "points_entry": {
        "entry_id": "p1", "customer_id": "ana", "kind": "earned", "points": "100", "occurred_at": _EARLIER, "expires_at": "2027-03-10T08:00:00+08:00",
    },
    "contract": {
        "contract_id": "d1", "customer_id": "ana", "product_id": "milk", "started_at": _EARLIER, "renewal_date": "2027-03-10", "fee": "88",
        "currency": "CNY", "renewed_at": None, "cancelled_at": None,
    },
    "holding": {"customer_id": "ana", "kind": "stored_value", "balance_date": "2026-03-30", "amount": "50.00", "currency": "CNY"},
    "market_indicator": {"series": "mood", "region": "Hubei", "indicator_date": "2026-03-30", "value": "99.5"},
    "external_mention": {
        "mention_id": "m1", "platform": "forum", "text": "Sour milk.", "sentiment": "negative", "product_id": "milk", "category": "Food",
        "mentioned_at": _EARLIER,
    },
}  # fmt: skip
"""One row of every entity that every rule lets through."""


def good_row(entity: str, **change: str | None) -> dict[str, str | None]:
    """The good row of an entity, every column given, with changes."""
    return {**dict.fromkeys(ENTITIES[entity]), "updated_at": _EARLIER, "is_simulated": "true", **VALID[entity], **change}


# -- injection -----------------------------------------------------------------------------------------------------------
MARK = "QZ7f3a"
"""In every payload: where it shows up although it should not, it came from a row."""

PAYLOADS = [
    f"'; drop table core.customer; -- {MARK}",
    f"$$; truncate pii.contact; $$ {MARK}",
    f"%s %(name)s %d {MARK} %",
    f":customer_keys :x {MARK}::text",
    f"{{customer_id}} {{0}} {{__class__}} {MARK}",
    f"\\'; select pg_sleep(9) -- \\ {MARK}\\",
    f"E'\\x27' {MARK} U&'\\2400x'",
    f"{{{{ conn.WAREHOUSE.password }}}} {MARK}",
    f"{{% for x in ().__class__.__base__.__subclasses__() %}}{{{{ x }}}}{{% endfor %}} {MARK}",
    f"${{jndi:ldap://127.0.0.1/{MARK}}} #{{7*7}} `id` $(id)",
    f"=cmd|'/c calc'!A1 {MARK}",
    f"+{MARK}*1",
    f"-{MARK}+1",
    f"@SUM({MARK})",
    f"  =HYPERLINK(\"http://127.0.0.1/{MARK}\")",
    f"＝１＋{MARK}",
    f"\"=1+1\" {MARK}",
    f"<img src=x onerror=alert('{MARK}')>",
    f"</script><script>alert(`{MARK}`)</script>",
    f"<a href=\"javascript:alert('{MARK}')\">x</a>",
    f"<!--{MARK}--><?php echo 1 ?>&lt;&#x3c;",
    f"../../../../etc/{MARK}",
    f"..\\..\\{MARK}\\con",
    f"file:///etc/{MARK}",
    f"[bold]{MARK}[/bold] [link=http://127.0.0.1]x[/link] [/]",
    f"{MARK}\u202etxt.exe \u200b\u2066\u2069\ufeff",
    f"{MARK} 👩‍👩‍👧 𝕬 é e\u0301 \U0010ffff",
]  # fmt: skip
"""Survive as they are wherever a column takes text."""

CONTROL_PAYLOADS = [
    f"\t=1+{MARK}",
    f"{MARK}\r\n2026-03-31T00:00:00 ERROR forged line password=1",
    f"\x1b[2J\x1b[31m{MARK}\x1b]0;owned\x07",
    f"{MARK}\x00after",
    f"{MARK}\x9b31m\x85\u2028",
]
"""The same with control characters: kept in text, refused in keys, and NUL refused everywhere."""

# -- poison values ---------------------------------------------------------------------------------------------------------
NUMBERS = [
    "NaN", "nan", "Infinity", "-Infinity", "inf", "1e308", "1e-400", "-0.0", "-1", "1" * 400, "9" * 131073, "0x1F", "1_000", "1,5",
    "1.000,00", "１２", "٣", "1e5", ".5", "5.", "+5", "--5", "1/0", "0.1.2", "¥5", "5 CNY", "999999999999", "1e131071",
]  # fmt: skip
TIMES = [
    "0000-00-00", "0000-00-00 00:00:00", "0001-01-01", "1899-12-31T00:00:00+00:00", "9999-12-31", "9999-12-31T23:59:59.999999+14:00",
    "10000-01-01", "infinity", "-infinity", "now", "today", "epoch", "2026-02-29", "2024-02-29T00:00:00+08:00", "2026-02-30", "2026-13-01",
    "2026-03-31T24:00:00+08:00", "2026-03-31T23:59:60+08:00", "2026-03-29T02:30:00+01:00", "2026-10-25T02:30:00+02:00",
    "2026-03-31T10:00:00", "2026-03-31 10:00", "1774951200", "1774951200000", "1774951200.5", "31/03/2026", "03/31/26", "20260331",
    "2026-W14-2", "2026-090", "2026-03-31T10:00:00+99:99", "2026-03-31T10:00:00Z[UTC]", "2026年3月31日", "2026-03-31T10:00:00.123456789Z",
    "4714-11-24 BC", "yesterday", "12", "T10:00",
]  # fmt: skip
FLAGS = ["yes", "TRUE", "t", "1", "0", "2", "y", "maybe", "tru", "N/A", "None", "null", "on "]
TEXTS = [
    "", " ", "\t", "\u3000", "\u200b", "null", "NULL", "None", "NaN", "N/A", "\\N", "\x00", "a\x00b", "\x1f", "\x7f", "\ufeff", "\ufffd", "\ufffe",
    "مرحبا \u202eabc", "a\u200bb", "😀" * 50, "é", "e\u0301", "ﬀ", "𝔸", "\U000f0000", "line\nbreak", "carriage\rreturn", "a,b;c|d\te",
    '"', '""', "'", "\\", "\\\\n", "[" * 10_000, '{"a":' * 2_000, "-" * 3_000, "x" * 70_000, "1", "01", "1.0", "１",
]  # fmt: skip
ADDRESSES = [
    "", " ", "@", "a@", "@b", "a@b", "ana@example.com ", "ANA@EXAMPLE.COM", "аna@example.com", "ana@exаmple.com", "a" * 400 + "@example.com", "a@b@c.de",
    '"a b"@example.com', "ana@[127.0.0.1]", "ana@例子.测试", "ana@xn--", "ana@example..com", "ana\u200b@example.com", "ana@example.com\n", "+86", "000",
    "１３８００１３８０００", "138-0013-8000 ext 5", "999999999999999999999", "tel:+8613800138000", "+8613800138000,+8613900139000",
]  # fmt: skip
LONG = "L" * 1_000_000
SURROGATES = ["\ud800", "a\udfffb", "\udc80\ud800"]
"""Only JSON can deliver them, by an escape."""


def kind_of(entity: str, column: str) -> str:
    """What a column is by the rules of its contract: number, time, flag, address, code, key or text."""
    if column in ("email", "phone", "referred_contact"):
        return "address"
    kind = "key" if column in KEYS[entity] or column.endswith("_id") else "text"
    for check in all_contracts()[f"landing.{entity}"].checks:
        if check.arguments.get("column") != column:
            continue
        if check.rule == "is_type":
            asked = str(check.arguments["type"])
            return "flag" if asked == "boolean" else "time" if asked in ("date", "timestamptz") else "number"
        if check.rule in ("in_set", "iso_currency") or (check.rule == "pattern" and check.severity == "quarantine"):
            kind = "code"
    return kind


def poison(entity: str, column: str) -> list[str | None]:
    """What to put into a column: the values of its kind first, then what is bad for every kind."""
    by_kind = {
        "number": NUMBERS,
        "time": TIMES,
        "flag": FLAGS,
        "address": ADDRESSES,
        "code": ["cny", "XXX", "C", "CNYY", "granted "],
    }
    return [None, *by_kind.get(kind_of(entity, column), []), *TEXTS]
