"""Random histories of a small company, written into ``core`` the way conforming, linking and erasing leave it.

A history is a list of days; a day is a list of events, then a build of that day's slices (or none: the day is skipped). Times
lie around the edges of the windows, in the past (late rows), and ahead of the day (rows that are delivered early).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import count
from typing import Any

import sqlalchemy as sa
from hypothesis import strategies as st

from retention.features import FEATURE_TABLES
from retention.features.binds import feature_binds, used_binds
from retention.features.tables import feature_sql
from retention.settings import Settings
from retention.warehouse import Run, Warehouse, load_contract
from tests.sql.features.company import KEYS, NAMES, Company

FIRST = date(2026, 3, 27)
PEOPLE = NAMES[:8]
EDGES = (0, 1, 2, 3, 29, 30, 31, 59, 60, 61, 89, 90, 91, 179, 180, 181, 364, 365, 366, 367, 380, 480, 860, -1, -2, -3)
_FACTS = {  # table with a history: its key, and something that its source may correct
    "interaction": ("interaction_key", "happened_at = happened_at - interval '2 days', kind = 'click'"),
    "survey_answer": ("answer_key", "score = 3"),
    "referral": ("referral_key", "converted_at = :at"),
    "points_entry": ("entry_key", "points = points + 7"),
}
_BY_CUSTOMER = (
    "customer", "order_header", "order_entry", "order_line", "complaint", "interaction", "interaction_version", "survey_answer",
    "survey_answer_version", "campaign_event", "referral", "referral_version", "points_entry", "points_entry_version",
)  # fmt: skip


@dataclass(frozen=True)
class Event:
    """Something that happens to one person at some time before (or after) the day it is delivered on."""

    kind: str
    who: str
    days_ago: int
    hour: int
    number: int


@dataclass(frozen=True)
class Day:
    """What a day brings, and whether its slices are built."""

    events: list[Event]
    is_built: bool


KINDS = (
    "order", "order", "refund", "cancel", "change_order", "return_line", "delete_order", "complain", "handle_complaint", "touch",
    "answer", "message", "recommend", "points", "correct", "late_state", "delete_fact", "newcomer", "mark_test", "delete_person",
    "merge", "erase",
)  # fmt: skip

_events = st.builds(
    Event, st.sampled_from(KINDS), st.sampled_from(PEOPLE), st.sampled_from(EDGES), st.sampled_from((0, 1, 12, 23)), st.integers(1, 9)
)  # fmt: skip
_days = st.builds(Day, st.lists(_events, max_size=6), st.sampled_from((True, True, True, False)))
histories = st.tuples(st.lists(_events, min_size=25, max_size=40), st.lists(_days, min_size=2, max_size=4))


class Teller:
    """Writes events into ``core``, seen from one business day to the next."""

    def __init__(self, warehouse: Warehouse) -> None:
        self.company = Company(warehouse)
        self.warehouse = warehouse
        self.as_of_date = FIRST
        self._keys = count(10_000)
        for who in PEOPLE[:5]:
            self.company.add_people(who)

    def tell(self, event: Event) -> None:
        """Write one event."""
        at = Settings().day_start(self.as_of_date) - timedelta(days=event.days_ago) + timedelta(hours=event.hour)
        getattr(self, f"_{event.kind}")(event, at, KEYS[event.who])

    def _order(self, event: Event, at: datetime, who: int) -> None:
        lines = [
            {"product": 1 + n, "category": "ab"[n % 2], "subcategory": "xyz"[event.number % 3], "gross": 700 + n, "quantity": 2}
            for n in range(event.number % 3)
        ]
        key = self.company.add_orders(
            event.who, at, 1000 * event.number, discount=100 * (event.number % 2), channel=("app", "store")[event.number % 2],
            coupon="C" if event.number > 6 else None, lines=lines,
        )  # fmt: skip
        made = at + timedelta(hours=event.number)
        self._run("update core.order_header set updated_at = :made where order_key = :key", made=made, key=key)
        self._run(
            "update core.order_line set updated_at = :made, unit_price_original = 350, discount_original = 0 where order_key = :key",
            made=made,
            key=key,
        )
        self._order_state("order_key = :key", key=key)

    def _order_state(self, which: str, **binds: Any) -> None:
        self._run(
            "insert into core.order_version (order_key, version_at, ordered_at, paid_at, currency, gross_original, "
            "discount_original, refund_original, channel, coupon_code, source, batch_id, deleted_at, is_simulated) "
            "select order_key, updated_at, ordered_at, paid_at, currency, gross_original, 0, 0, channel, coupon_code, source, 1, "
            f"deleted_at, false from core.order_header where {which} on conflict do nothing",
            **binds,
        )

    def _refund(self, event: Event, at: datetime, who: int) -> None:
        self._entry("refunded", "0, -50, 0, -50", at, who)

    def _cancel(self, event: Event, at: datetime, who: int) -> None:
        self._entry("cancelled", "-order_count, -gross_minor, -discount_minor, -net_minor", at, who)

    def _entry(self, kind: str, amounts: str, at: datetime, who: int) -> None:
        self._run(
            "insert into core.order_entry (order_key, kind, sequence, customer_key, happened_at, order_count, gross_minor, "
            f"discount_minor, net_minor, source, batch_id, is_simulated) select order_key, :kind, :key, customer_key, "
            f"greatest(:at, happened_at), {amounts}, source, 1, false from core.order_entry as paid where customer_key = :who "
            "and kind = 'paid' and (:kind = 'refunded' or not exists (select 1 from core.order_entry as other where "
            "other.order_key = paid.order_key and other.kind = 'cancelled')) order by order_key limit 1",
            kind=kind, at=at, who=who, key=next(self._keys),
        )  # fmt: skip

    def _change_order(self, event: Event, at: datetime, who: int) -> None:
        mine = "order_key = (select max(order_key) from core.order_header where customer_key = :who)"
        self._run(
            f"update core.order_header set channel = 'phone', coupon_code = 'N', updated_at = greatest(:at, updated_at), "
            f"paid_at = paid_at + interval '1 day' * (:number % 2) where {mine}",
            who=who, at=at, number=event.number,
        )  # fmt: skip
        self._order_state(mine, who=who)

    def _return_line(self, event: Event, at: datetime, who: int) -> None:
        mine = "customer_key = :who and returned_quantity = 0 and updated_at < :at"
        self._run(
            "insert into core.order_line_version (order_key, line_number, product_key, quantity, unit_price_original, "
            "discount_original, returned_quantity, returned_at, source, batch_id, updated_at, deleted_at, is_simulated) "
            "select order_key, line_number, product_key, quantity, unit_price_original, discount_original, returned_quantity, "
            f"returned_at, source, batch_id, updated_at, deleted_at, is_simulated from core.order_line where {mine} "
            "on conflict do nothing",
            who=who, at=at,
        )  # fmt: skip
        returned = at - timedelta(hours=event.number % 2 * 30)
        self._run(
            "update core.order_line set returned_quantity = 1, returned_at = :returned, updated_at = :at, quantity = 3, "
            f"net_minor = net_minor + 5 where {mine}",
            who=who, at=at, returned=returned,
        )  # fmt: skip

    def _delete_order(self, event: Event, at: datetime, who: int) -> None:
        for table in ("order_entry", "order_line", "order_header"):
            self._run(
                f"update core.{table} set deleted_at = :at where order_key = (select min(order_key) from core.order_header "
                "where customer_key = :who and deleted_at is null)",
                at=at, who=who,
            )  # fmt: skip

    def _complain(self, event: Event, at: datetime, who: int) -> None:
        self.company.add_complaints(event.who, at, severity=("minor", "medium", "severe")[event.number % 3])

    def _handle_complaint(self, event: Event, at: datetime, who: int) -> None:
        open_case = "customer_key = :who and valid_to is null and valid_from < :at"
        self._run(
            "insert into core.complaint (complaint_key, valid_from, version_at, complaint_id, source_customer_key, customer_key, "
            "severity, opened_at, acknowledged_at, first_replied_at, resolved_at, compensation_minor, satisfaction, "
            "satisfaction_at, source, batch_id, is_simulated) select complaint_key, :at, :at, complaint_id, source_customer_key, "
            "customer_key, severity, opened_at, greatest(opened_at, :at - interval '3 hours'), greatest(opened_at, :at), "
            "case when :number > 4 then greatest(opened_at, :at) end, 500, 4, :at, source, 1, false "
            f"from core.complaint where {open_case}",
            who=who, at=at, number=event.number,
        )  # fmt: skip
        self._run(f"update core.complaint set valid_to = :at where {open_case}", who=who, at=at)

    def _touch(self, event: Event, at: datetime, who: int) -> None:
        self.company.add_interactions(event.who, at, dwell=event.number, channel=("app", "phone", "wechat")[event.number % 3])
        self._made("interaction", at)

    def _answer(self, event: Event, at: datetime, who: int) -> None:
        self.company.add_answers(event.who, at, ("nps", "csat", "servqual_empathy")[event.number % 3], 1 + event.number % 5)
        self._made("survey_answer", at)

    def _message(self, event: Event, at: datetime, who: int) -> None:
        self.company.add_messages(event.who, at, kind=("sent", "opened")[event.number % 2])

    def _recommend(self, event: Event, at: datetime, who: int) -> None:
        self.company.add_referrals(event.who, at)
        self._made("referral", at)

    def _points(self, event: Event, at: datetime, who: int) -> None:
        expires = at + timedelta(days=30 * (event.number % 4)) if event.number % 4 else None
        self.company.add_points(
            event.who, at, 10 * event.number, kind=("earned", "redeemed")[event.number == 9], expires=expires
        )
        self._made("points_entry", at)

    def _made(self, table: str, at: datetime) -> None:
        self._run(f"update core.{table} set updated_at = :at where updated_at is null", at=at)

    def _correct(self, event: Event, at: datetime, who: int) -> None:
        """The source changes a fact: the state before goes to the history."""
        for table, (key, change) in _FACTS.items():
            mine = f"{key} = (select max({key}) from core.{table} where customer_key = :who and updated_at < :at)"
            self._keep(table, key, f"{mine}", who=who, at=at)
            self._run(f"update core.{table} set {change}, updated_at = :at where {mine}", who=who, at=at)

    def _late_state(self, event: Event, at: datetime, who: int) -> None:
        """An older state arrives: it goes straight to the history."""
        for table, (key, _) in _FACTS.items():
            self._keep(table, key, "customer_key = :who and updated_at > :at", made_at=":at", who=who, at=at)

    def _keep(self, table: str, key: str, which: str, made_at: str = "updated_at", **binds: Any) -> None:
        columns = [name for name in load_contract(f"core.{table}_version").column_names if name != "updated_at"]
        self._run(
            f"insert into core.{table}_version ({', '.join(columns)}, updated_at) select {', '.join(columns)}, {made_at} "
            f"from core.{table} where {which} on conflict do nothing",
            **binds,
        )

    def _delete_fact(self, event: Event, at: datetime, who: int) -> None:
        table = ("interaction", "survey_answer", "referral", "points_entry", "campaign_event")[event.number % 5]
        self._run(f"update core.{table} set deleted_at = :at where customer_key = :who", at=at, who=who)

    def _newcomer(self, event: Event, at: datetime, who: int) -> None:
        if not self._scalar("select count(*) from core.customer where customer_key = :who", who=who):
            self.company.add_people(event.who, since=at)

    def _mark_test(self, event: Event, at: datetime, who: int) -> None:
        self._run(
            "with closed as (update core.customer set valid_to = :at where customer_key = :who and valid_to is null and "
            "valid_from < :at returning *) insert into core.customer (customer_key, valid_from, customer_kind, member_since, "
            "is_test, is_staff, source, batch_id, is_simulated) select customer_key, :at, 'consumer', member_since, not is_test, "
            "false, 'test', 1, false from closed",
            who=who, at=at,
        )  # fmt: skip

    def _delete_person(self, event: Event, at: datetime, who: int) -> None:
        self._run("update core.customer set deleted_at = :at where customer_key = :who and valid_to is null", who=who, at=at)

    def _merge(self, event: Event, at: datetime, who: int) -> None:
        """Two people turn out to be one."""
        into = KEYS[PEOPLE[event.number % 3]]
        if into != who:
            self._run("delete from core.customer where customer_key = :who", who=who)
            for table in _BY_CUSTOMER:
                self._run(f"update core.{table} set customer_key = :into where customer_key = :who", who=who, into=into)

    def _erase(self, event: Event, at: datetime, who: int) -> None:
        """A person is removed from every table, the published slices included."""
        self._run(
            "delete from core.order_line_version as version using core.order_header as header "
            "where version.order_key = header.order_key and header.customer_key = :who",
            who=who,
        )
        for table in (*(f"core.{name}" for name in _BY_CUSTOMER), *FEATURE_TABLES, "ops.touched"):
            self._run(f"delete from {table} where customer_key = :who", who=who)

    def _run(self, sql: str, **binds: Any) -> None:
        self.company.execute(sql, **binds)

    def _scalar(self, sql: str, **binds: Any) -> Any:
        with self.warehouse.connect() as connection:
            return connection.execute(sa.text(sql), binds).scalar()


def differences(run: Run) -> dict[str, int]:
    """Count, by table, the rows that the published slice and a full computation do not share. Independent of the product's."""
    found = {}
    for table in FEATURE_TABLES:
        columns, sql = ", ".join(load_contract(table).column_names), feature_sql(table)
        binds = {**used_binds(sql, feature_binds(run.settings, run.as_of_date)), "as_of_date": run.as_of_date}
        published = f"select {columns} from {table} where as_of_date = :as_of_date"
        computed = f"select {columns} from (\n{sql}\n) as computed"
        with run.warehouse.connect() as connection:
            found[table] = connection.execute(
                sa.text(
                    f"select count(*) from ((({published}) except all ({computed})) union all "
                    f"(({computed}) except all ({published}))) as rows"
                ),
                binds,
            ).scalar_one()
    return {table: rows for table, rows in found.items() if rows}


def live(warehouse: Warehouse, run_of: Callable[[date], Run], history: Any, build: Callable[[Run], Any]) -> list[Run]:
    """Let a history happen; build the days that are not skipped, and return their runs."""
    before, days = history
    teller = Teller(warehouse)
    for event in before:
        teller.tell(event)
    runs = []
    for number, day in enumerate([Day([], True), *days]):
        teller.as_of_date = FIRST + timedelta(days=number)
        for event in day.events:
            teller.tell(event)
        if day.is_built:
            run = run_of(teller.as_of_date - timedelta(days=1))
            build(run)
            runs.append(run)
    return runs
