"""What the shop's systems export over thirty days: new rows, the same rows again, corrections, deletions, late rows.

Ana to Li are customers 1 to 12. Every file holds what its source changed on one day; times are those of the source. Nothing is
left to chance: the month is the same in every run.
"""

from __future__ import annotations

import csv
import io
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field

Row = Mapping[str, str | None]
DAYS = 30
PEOPLE = ("ana", "bo", "chen", "dai", "emma", "fang", "gao", "hana", "ivo", "jin", "kai", "li")
SOURCE_OF = {"complaint": "desk", "survey_answer": "desk", "interaction": "desk"}


def at(day: float, hour: int = 12) -> str:
    """Return an instant of March 2026, in the company's zone."""
    return f"2026-03-{int(day):02}T{hour:02}:{round(day % 1 * 60):02}:00+08:00"


def date_of(day: int) -> str:
    """Return a day of March 2026."""
    return f"2026-03-{day:02}"


@dataclass
class Month:
    """Rows by entity and day of export, and the files they make."""

    rows: dict[tuple[str, int], list[Row]] = field(default_factory=lambda: defaultdict(list))

    def add(self, entity: str, day: int, again_on: int | None = None, hour: int = 12, **values: str | None) -> None:
        """Export a state of a row on a day, and perhaps the very same row once more later."""
        row = {**values, "updated_at": at(day, hour), "is_simulated": "false"}
        for exported in (day, again_on):
            if exported is not None:
                self.rows[entity, exported].append(row)

    def late(self, entity: str, day: int, exported_on: int, **values: str | None) -> None:
        """Export a state that the source made on a day in the file of a later one."""
        self.rows[entity, exported_on].append({**values, "updated_at": at(day), "is_simulated": "false"})

    def files(self) -> dict[str, str]:
        """Return the files: ``source/entity/day.csv`` to content; some twice, under another name."""
        found = {}
        for position, ((entity, day), rows) in enumerate(sorted(self.rows.items())):
            source = SOURCE_OF.get(entity, "shop")
            found[f"{source}/{entity}/{day:02}.csv"] = _csv(rows)
            if position % 9 == 0:
                found[f"{source}/{entity}/{day:02}_again.csv"] = _csv(rows)
        return found


def _csv(rows: list[Row]) -> str:
    names = list(dict.fromkeys(name for row in rows for name in row))
    text = io.StringIO()
    writer = csv.DictWriter(text, names)
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def month() -> Month:
    """Return the month."""
    made = Month()
    _customers(made)
    _products_and_rates(made)
    _orders(made)
    _service(made)
    _loyalty(made)
    return made


def _customers(made: Month) -> None:
    known = {"created_at": "2025-01-01T00:00:00+08:00", "member_since": "2025-02-01T00:00:00+08:00"}
    for number, name in enumerate(PEOPLE):
        made.add(
            "customer", 1 + number % 6, again_on=9 + number if number % 4 == 0 else None, customer_id=name, name=name.title(),
            email=f"{name}@example.com", phone=f"1380013800{number % 10}" if number < 10 else None, city="Wuhan", **known,
        )  # fmt: skip
    # Chen and Dai share a phone until Dai has one of his own; Emma takes over the address of Fang, so they are one person.
    made.add("customer", 8, customer_id="dai", name="Dai", email=None, phone="13800138002", city="Wuhan", **known)
    made.add("customer", 16, customer_id="dai", name="Dai", email=None, phone="13900139003", city="Xi'an", **known)
    made.add(
        "customer", 14, again_on=22, customer_id="emma", name="Emma", email="fang@example.com", phone="13800138004", **known
    )
    # Gao moves twice; a third state, older than both, comes late. Hana's first system day is found out late.
    made.add("customer", 10, customer_id="gao", name="Gao", email="gao@example.com", city="Beijing", is_test="false", **known)
    made.add("customer", 20, customer_id="gao", name="Gao", email="gao@example.com", city="Shanghai", **known)
    made.late("customer", 7, 25, customer_id="gao", name="Gao", email="gao@example.com", city="Chengdu", **known)
    made.add("customer", 18, customer_id="hana", name="Hana", email="hana@example.com", created_at="2024-06-01T00:00:00+08:00")
    # Ivo is deleted and comes back; Jin is deleted.
    made.add("customer", 15, customer_id="ivo", name="Ivo", email="ivo@example.com", deleted_at=at(15), **known)
    made.add("customer", 24, customer_id="ivo", name="Ivo", email="ivo@example.com", city="Suzhou", **known)
    made.add("customer", 19, customer_id="jin", name="Jin", email="jin@example.com", deleted_at=at(19), **known)


def _products_and_rates(made: Month) -> None:
    for series, quotes in {
        "fx.USD.CNY": {1: "7.10", 8: "7.23", 15: "7.05"}, "fx.JPY.CNY": {2: "0.0471", 12: "0.0466"}, "fx.KWD.CNY": {1: "23.115"},
    }.items():  # fmt: skip
        for day, value in quotes.items():
            made.add("market_indicator", day, series=series, region="all", indicator_date=date_of(day), value=value)
    # The dollar of the 8th is corrected on the 11th and the 13th; the yen of the 6th is quoted late.
    for day, value in ((11, "7.33"), (13, "7.25")):
        made.add("market_indicator", day, series="fx.USD.CNY", region="all", indicator_date=date_of(8), value=value)
    made.late("market_indicator", 6, 21, series="fx.JPY.CNY", region="all", indicator_date=date_of(6), value="0.0480")
    made.add("market_indicator", 3, series="confidence", region="Hubei", indicator_date=date_of(1), value="101.5")
    made.add("market_indicator", 17, series="confidence", region="Hubei", indicator_date=date_of(1), value="99")

    def product(day: int, number: str, category: str, price: str, currency: str = "CNY", again_on: int | None = None) -> None:
        made.add(
            "product", day, again_on=again_on, product_id=number, name=number, category_path=category, list_price=price,
            unit_cost="1.005", currency=currency, stock_on_hand=str(day), is_replenishable="true",
        )  # fmt: skip

    for day, price in ((1, "10.00"), (7, "12.00"), (13, "9.50"), (21, "11")):
        product(day, "milk", "Food > Dairy > Milk", price, again_on=day + 3 if day == 7 else None)
    product(1, "tea", "Food > Tea", "30")
    product(10, "tea", "Drinks > Tea", "30")  # moved to another category
    product(22, "tea", "Gifts > Tea", "31")
    product(2, "lamp", "Home > Light", "19.99", "USD")
    product(9, "lamp", "Home > Light", "18.99", "USD")
    product(3, "dates", "Food > Fruit", "1.234", "KWD")
    product(16, "fan", "Home > Air", "2980", "JPY")  # sold since the 5th
    made.add("product", 23, product_id="fan", name="fan", category_path="Home > Air", currency="JPY", deleted_at=at(23))


def _orders(made: Month) -> None:
    products = ("milk", "tea", "lamp", "dates", "fan")
    currencies = ("CNY", "CNY", "USD", "JPY", "KWD")
    for number in range(45):
        day, name = 2 + number * 27 // 45, PEOPLE[number * 7 % 12]
        currency = currencies[number % 5]
        amount = {"CNY": "100.05", "USD": "20.35", "JPY": "3001", "KWD": "4.125"}[currency]
        first = {
            "order_id": f"o{number:02}", "customer_id": name, "ordered_at": at(day, 9), "currency": currency,
            "gross_amount": amount, "discount_amount": "0.10" if number % 3 == 0 else None,
            "channel": "web" if number % 2 else "store",
        }  # fmt: skip
        made.add("order", day, hour=9, **first)
        paid = {**first, "paid_at": at(day, 10)}
        made.add("order", day, hour=10, again_on=min(day + 4, DAYS) if number % 6 == 0 else None, **paid)
        _later_states(made, number, day, paid)
        for line in range(1, 1 + number % 3 + 1):
            base = {
                "order_id": f"o{number:02}", "line_number": str(line), "product_id": products[(number + line) % 5],
                "quantity": "3", "unit_price": amount, "discount_amount": "0.05" if line == 2 else None,
            }  # fmt: skip
            made.add("order_line", day, again_on=min(day + 2, DAYS) if number % 8 == 1 else None, **base)
            if number % 7 == 2:
                made.add("order_line", min(day + 3, DAYS), **{**base, "unit_price": "5.55"})
            if number % 5 == 3:
                for later, units in ((1, "1"), (4, "3"), (6, "2")):
                    if day + later <= DAYS:
                        returned = {**base, "returned_quantity": units, "returned_at": at(day + later, 8)}
                        made.add("order_line", day + later, **returned)
            if number % 11 == 4:
                made.add("order_line", min(day + 5, DAYS), **base, deleted_at=at(min(day + 5, DAYS)))
    # An order of a customer that nobody delivers, and one with a negative price: refused for good.
    made.add("order", 11, order_id="x1", customer_id="nobody", ordered_at=at(11), paid_at=at(11), gross_amount="5")
    made.add("order", 12, order_id="x2", customer_id="ana", ordered_at=at(11), paid_at=at(11), gross_amount="-5")


def _later_states(made: Month, number: int, day: int, paid: Row) -> None:
    """Change what became of every other order."""
    changes: dict[int, list[tuple[int, dict[str, str | None]]]] = {
        0: [(2, {"gross_amount": "88.80"}), (5, {"gross_amount": "88.80", "refund_amount": "10.01", "refunded_at": at(min(day + 4, DAYS))})],
        2: [(1, {"cancelled_at": at(min(day + 1, DAYS))}), (3, {}), (6, {"cancelled_at": at(min(day + 6, DAYS))})],
        4: [(2, {"deleted_at": at(min(day + 2, DAYS))}), (5, {})],
        6: [(3, {"refund_amount": "2.5", "refunded_at": at(min(day + 3, DAYS))}), (4, {"cancelled_at": at(min(day + 4, DAYS)), "refund_amount": "20"})],
        8: [(3, {"customer_id": "kai"}), (7, {"deleted_at": at(min(day + 7, DAYS)), "customer_id": "kai"})],
        10: [(1, {"paid_at": at(min(day + 1, DAYS), 7)}), (2, {"currency": "USD"})],
    }  # fmt: skip
    for later, values in changes.get(number % 12, []):
        if day + later <= DAYS:
            made.add("order", day + later, hour=15, **{**paid, **values})


def _service(made: Month) -> None:
    for number in range(10):
        day, name = 3 + number * 2, PEOPLE[number * 5 % 12]
        case = {
            "complaint_id": f"k{number}", "customer_id": name, "order_id": f"o{number * 4:02}", "severity": "minor",
            "category": "late", "text": "太慢了", "opened_at": at(day, 8),
        }  # fmt: skip
        made.add("complaint", day, again_on=day + 1 if number % 3 == 0 else None, **case)
        made.add("complaint", day + 2, **{**case, "severity": "severe", "acknowledged_at": at(day, 9)})
        if number % 2 == 0:
            made.add(
                "complaint",
                day + 4,
                **{**case, "severity": "severe", "resolved_at": at(day + 4, 9), "compensation_amount": "5.5"},
            )
            made.add("complaint", day + 6, **{**case, "severity": "medium", "resolved_at": None})  # opened again
        if number == 5:
            made.add("complaint", day + 8, **case, deleted_at=at(day + 8))
        answer = {"answer_id": f"a{number}", "customer_id": name, "instrument": "nps", "answered_at": at(day + 1)}
        made.add("survey_answer", day + 1, again_on=day + 5, **answer, score="9")
        if number % 2:
            made.add("survey_answer", day + 3, **answer, score="3")
            made.add("survey_answer", day + 4, **answer, score="4", comment="改了")
        touch = {
            "interaction_id": f"t{number}",
            "customer_id": name,
            "kind": "visit",
            "channel": "store",
            "occurred_at": at(day),
        }
        made.add("interaction", day, **touch, dwell_seconds="12.5")
        if number % 3 == 1:
            made.add("interaction", day + 6, **touch, dwell_seconds="70")
            made.add("interaction", day + 8, **touch, deleted_at=at(day + 8))
            made.add("interaction", day + 9, **touch, dwell_seconds="71")


def _loyalty(made: Month) -> None:
    for number, name in enumerate(PEOPLE):
        day = 2 + number
        tag = {"customer_id": name, "tag": "vip" if number % 2 else "staff", "set_by": "Mei", "set_at": at(day)}
        made.add("customer_tag", day, **tag)
        made.add("customer_tag", day + 5, again_on=day + 9, **tag, removed_at=at(day + 5))
        if number % 3 == 0:
            made.add("customer_tag", day + 7, **tag)
        entry = {"entry_id": f"p{number}", "customer_id": name, "kind": "earned", "occurred_at": at(day)}
        made.add("points_entry", day, **entry, points="100")
        made.add("points_entry", day + 6, **entry, points="80")
        if number % 4 == 1:
            made.add("points_entry", day + 8, **entry, points="80", deleted_at=at(day + 8))
        made.add(
            "consent", day, again_on=day + 2, consent_id=f"c{number}", customer_id=name, purpose="marketing", channel="email",
            decision="granted", decided_at=at(day),
        )  # fmt: skip
        made.add(
            "consent", day + 10, consent_id=f"c{number}", customer_id=name, purpose="marketing", channel="all",
            decision="withdrawn" if number % 2 else "granted", decided_at=at(day + 10),
        )  # fmt: skip
        referral = {
            "referral_id": f"r{number}", "referrer_customer_id": name, "referred_customer_id": PEOPLE[(number + 5) % 12],
            "referred_at": at(day),
        }  # fmt: skip
        made.add("referral", day, **referral)
        made.add("referral", day + 12, **referral, converted_at=at(day + 11), reward_amount="5.00")
        made.add("referral", day + 14, **referral, converted_at=at(day + 11), reward_amount="8.00")
        contract = {
            "contract_id": f"v{number}", "customer_id": name, "product_id": ("fan", "milk", "lamp")[number % 3],
            "started_at": at(day), "renewal_date": "2027-03-01", "currency": ("JPY", "CNY", "USD")[number % 3],
        }  # fmt: skip
        made.add("contract", day, **contract, fee="99.99")
        made.add("contract", day + 9, **contract, fee="120.5", renewed_at=at(day + 9))
        holding = {
            "customer_id": name,
            "kind": "deposit",
            "balance_date": date_of(day),
            "currency": "USD" if number % 2 else "CNY",
        }
        made.add("holding", day, **holding, amount="1000")
        made.add("holding", day + 4, **holding, amount="-12.345")
        if number == 3:
            made.add("holding", day + 6, **holding, amount="0", deleted_at=at(day + 6))
