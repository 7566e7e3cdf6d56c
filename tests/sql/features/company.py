"""A company of named people, written straight into ``core``: what the feature tests compute from.

Cases are YAML files: ``people``, ``orders``, ``complaints`` and so on as people would tell them, and the ``expected`` columns
worked out by hand. Times without an offset are Asia/Shanghai; amounts are minor units.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from itertools import count
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from retention.warehouse import Warehouse

SHANGHAI = ZoneInfo("Asia/Shanghai")
NAMES = ["Ana", "Bo", "Chen", "Dai", "Emma", "Fang", "Gao", "Hana", "Ivo", "Jin", "Kai", "Li", "Mia", "Nan"]
# Real keys are hashes over the whole range of bigint, so the people's lie on both sides of zero.
KEYS = {name: (-1) ** place * (place + 1) * 10**17 for place, name in enumerate(NAMES)}
WHO = {key: name for name, key in KEYS.items()}
LONG_AGO = datetime(2020, 1, 1, tzinfo=SHANGHAI)


def moment(value: str | datetime | date | None) -> datetime | None:
    """Return an aware time; one without an offset is Asia/Shanghai, a date alone is noon."""
    if value is None:
        return None
    text = str(value)
    if len(text) == 10:
        text += " 12:00"
    parsed = datetime.fromisoformat(text)
    return parsed if parsed.tzinfo else parsed.replace(tzinfo=SHANGHAI)


class Company:
    """Writes facts into ``core`` the way the conforming stage leaves them."""

    def __init__(self, warehouse: Warehouse) -> None:
        self.warehouse = warehouse
        self._numbers = count(1)
        self._last_paid: dict[str, datetime] = {}
        self._orders: dict[str, int] = {}

    def tell(self, case: Mapping[str, Any]) -> None:
        """Write everything a case tells: each key names a method, each entry is one call."""
        for kind in ("people", "orders", "complaints", "interactions", "answers", "messages", "referrals", "points"):
            for entry in case.get(kind, ()):
                getattr(self, f"add_{kind}")(**({"who": entry} if isinstance(entry, str) else entry))

    def insert(self, table: str, **values: Any) -> None:
        """Insert one row of a core table, with the lineage columns filled in."""
        row = {"source": "test", "batch_id": 1, "is_simulated": False, **values}
        names = ", ".join(row)
        with self.warehouse.begin() as connection:
            connection.execute(sa.text(f"insert into {table} ({names}) values ({', '.join(f':{name}' for name in row)})"), row)

    def execute(self, sql: str, **binds: Any) -> None:
        """Run one statement."""
        with self.warehouse.begin() as connection:
            connection.execute(sa.text(sql), binds)

    def add_people(self, who: str, since: Any = None, test: bool = False, deleted: Any = None) -> None:
        """A person of the CRM."""
        known = moment(since) or LONG_AGO
        self.insert(
            "core.customer",
            customer_key=KEYS[who],
            valid_from=known,
            customer_kind="consumer",
            member_since=known,
            is_test=test,
            is_staff=False,
            deleted_at=moment(deleted),
        )

    def add_orders(
        self,
        who: str,
        paid: Any,
        gross: int,
        discount: int = 0,
        cancelled: Any = None,
        reinstated: Any = None,
        refunds: Mapping[Any, int] | None = None,
        coupon: str | None = None,
        channel: str = "store",
        deleted: Any = None,
        lines: Any = (),
        id: str | None = None,
    ) -> int:
        """A paid order with what was booked on it later. Tell a person's orders from the earliest on."""
        key, paid_at, net = next(self._numbers), moment(paid), gross - discount
        assert paid_at is not None
        self._orders[id or f"{who}-{key}"] = key
        previous = self._last_paid.get(who)
        gap = None if previous is None else round((paid_at - previous).total_seconds() / 86400, 6)
        self._last_paid[who] = paid_at
        common = {"customer_key": KEYS[who], "order_key": key, "deleted_at": moment(deleted)}
        self.insert(
            "core.order_header",
            **common,
            source_customer_key=KEYS[who],
            order_id=f"O{key}",
            ordered_at=paid_at,
            paid_at=paid_at,
            cancelled_at=None if reinstated else moment(cancelled),
            currency="CNY",
            fx_rate=1,
            gross_minor=gross,
            discount_minor=discount,
            net_minor=net,
            refund_minor=sum((refunds or {}).values()),
            gross_original=gross / 100,
            channel=channel,
            coupon_code=coupon,
        )
        self.entry(
            key, "paid", 1, who, paid_at, 1, gross, discount, order_number=1, gap=gap, previous=previous, deleted=deleted
        )
        for sequence, (at, amount) in enumerate((refunds or {}).items(), start=1):
            self.entry(key, "refunded", sequence, who, at, 0, -amount, 0, deleted=deleted)
        if cancelled is not None:
            cancelled_at = moment(cancelled)
            before = sum(amount for at, amount in (refunds or {}).items() if moment(at) < cancelled_at)
            self.entry(key, "cancelled", 1, who, cancelled, -1, before - net, 0, deleted=deleted)
            if reinstated is not None:
                self.entry(key, "corrected", 1, who, reinstated, 1, net - before, 0, deleted=deleted)
        for number, line in enumerate(lines, start=1):
            returned = line.get("returned")
            line_gross, line_discount = line["gross"], line.get("discount", 0)
            self.insert(
                "core.order_line",
                **common,
                line_number=number,
                product_key=line["product"],
                category_1=line.get("category"),
                category_2=line.get("subcategory"),
                happened_at=paid_at,
                quantity=line.get("quantity", 1),
                unit_price_minor=line_gross // line.get("quantity", 1),
                gross_minor=line_gross,
                discount_minor=line_discount,
                net_minor=line_gross - line_discount,
                unit_price_original=line_gross / line.get("quantity", 1) / 100,
                discount_original=line_discount / 100,
                returned_quantity=returned["quantity"] if returned else 0,
                returned_at=moment(returned["at"]) if returned else None,
            )
        return key

    def entry(
        self,
        order_key: int,
        kind: str,
        sequence: int,
        who: str,
        at: Any,
        orders: int,
        gross: int,
        discount: int,
        order_number: int | None = None,
        gap: float | None = None,
        previous: datetime | None = None,
        deleted: Any = None,
    ) -> None:
        """One entry of the order ledger."""
        self.insert(
            "core.order_entry",
            order_key=order_key,
            kind=kind,
            sequence=sequence,
            customer_key=KEYS[who],
            happened_at=moment(at),
            order_count=orders,
            gross_minor=gross,
            discount_minor=discount,
            net_minor=gross - discount,
            order_number=order_number,
            days_since_previous_order=gap,
            previous_paid_at=previous,
            deleted_at=moment(deleted),
        )

    def add_complaints(
        self,
        who: str,
        opened: Any,
        severity: str = "minor",
        acknowledged: Any = None,
        replied: Any = None,
        resolved: Any = None,
        compensation: int | None = None,
        satisfaction: int | None = None,
        satisfaction_at: Any = None,
        valid_from: Any = None,
        valid_to: Any = None,
        key: int | None = None,
        deleted: Any = None,
    ) -> None:
        """A complaint, or one version of it."""
        number = key or next(self._numbers)
        self.insert(
            "core.complaint",
            complaint_key=number,
            valid_from=moment(valid_from or opened),
            valid_to=moment(valid_to),
            version_at=moment(valid_from or opened),
            complaint_id=f"C{number}",
            source_customer_key=KEYS[who],
            customer_key=KEYS[who],
            severity=severity,
            opened_at=moment(opened),
            acknowledged_at=moment(acknowledged),
            first_replied_at=moment(replied),
            resolved_at=moment(resolved),
            compensation_minor=compensation,
            satisfaction=satisfaction,
            satisfaction_at=moment(satisfaction_at),
            deleted_at=moment(deleted),
        )

    def add_interactions(
        self,
        who: str,
        at: Any,
        channel: str = "app",
        kind: str = "visit",
        direction: str = "in",
        dwell: int | None = None,
        deleted: Any = None,
    ) -> None:
        """A touch."""
        self.insert(
            "core.interaction",
            interaction_key=next(self._numbers),
            source_customer_key=KEYS[who],
            customer_key=KEYS[who],
            happened_at=moment(at),
            channel=channel,
            kind=kind,
            direction=direction,
            dwell_seconds=dwell,
            deleted_at=moment(deleted),
        )

    def add_answers(self, who: str, at: Any, instrument: str, score: float, deleted: Any = None) -> None:
        """An answer to a survey."""
        self.insert(
            "core.survey_answer",
            answer_key=next(self._numbers),
            source_customer_key=KEYS[who],
            customer_key=KEYS[who],
            happened_at=moment(at),
            instrument=instrument,
            score=score,
            deleted_at=moment(deleted),
        )

    def add_messages(self, who: str, at: Any, kind: str = "sent", deleted: Any = None) -> None:
        """An event that a marketing tool reported."""
        self.insert(
            "core.campaign_event",
            event_key=next(self._numbers),
            source_customer_key=KEYS[who],
            customer_key=KEYS[who],
            campaign="welcome",
            channel="email",
            kind=kind,
            happened_at=moment(at),
            deleted_at=moment(deleted),
        )

    def add_referrals(self, who: str, at: Any, converted: Any = None, deleted: Any = None) -> None:
        """A recommendation."""
        self.insert(
            "core.referral",
            referral_key=next(self._numbers),
            source_customer_key=KEYS[who],
            customer_key=KEYS[who],
            referred_at=moment(at),
            converted_at=moment(converted),
            deleted_at=moment(deleted),
        )

    def add_points(
        self, who: str, at: Any, points: int, kind: str = "earned", expires: Any = None, deleted: Any = None
    ) -> None:
        """An entry of the points ledger."""
        self.insert(
            "core.points_entry",
            entry_key=next(self._numbers),
            source_customer_key=KEYS[who],
            customer_key=KEYS[who],
            kind=kind,
            points=points,
            happened_at=moment(at),
            expires_at=moment(expires),
            deleted_at=moment(deleted),
        )
