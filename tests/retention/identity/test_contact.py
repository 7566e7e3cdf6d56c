"""Which value survives when several records are one person, and that shared addresses are marked."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from typing import Any

import pytest
import sqlalchemy as sa

from retention.conform.people import rebuild_people
from retention.warehouse import Run, Warehouse
from tests.retention.quality.company import rows_of

BLANK: dict[str, Any] = {
    "source": "crm", "customer_key": 1, "name": None, "email_normalised": None, "phone_e164": None, "birth_date": None,
    "wedding_anniversary": None, "language": None, "deleted_at": None, "day": 1,
}  # fmt: skip


def contact(warehouse: Warehouse, *members: dict[str, Any]) -> dict[str, Any]:
    """Store source customers, put person 1 together and return how to reach them."""
    with warehouse.begin() as connection:
        for key, given in enumerate(members, start=1):
            row = {**BLANK, **given}
            connection.execute(
                sa.text(
                    "insert into pii.source_customer (source_customer_key, source, customer_id, customer_key, source_created_at, name, "
                    "email_normalised, phone_e164, birth_date, wedding_anniversary, language, batch_id, updated_at, deleted_at, "
                    "is_simulated) values (:key, :source, :number, :customer_key, now(), :name, :email_normalised, :phone_e164, "
                    ":birth_date, :wedding_anniversary, :language, 1, :updated_at, :deleted_at, false)"
                ),
                {**row, "key": key, "number": str(key), "updated_at": datetime(2026, 1, row["day"])},  # noqa: DTZ001
            )
        rebuild_people(connection, [1])
    with warehouse.connect() as connection:
        return dict(connection.execute(sa.text("select * from pii.contact where customer_key = 1")).mappings().one())


@pytest.mark.parametrize(
    ("attribute", "members", "survives"),
    [
        pytest.param("name", [{"name": "王芳", "day": 1}, {"name": "王方", "day": 2}], "王方", id="the latest name"),
        pytest.param("name", [{"name": "王芳", "day": 1}, {"name": "王女士", "day": 2}], "王芳", id="a name before a title"),
        pytest.param("name", [{"name": "王女士"}], "王女士", id="a title when there is nothing else"),
        pytest.param(
            "email", [{"email_normalised": "own@x.cn"}, {"email_normalised": "home@x.cn", "day": 2},
                      {"customer_key": 2, "email_normalised": "home@x.cn"}], "own@x.cn", id="one's own before a family's",
        ),
        pytest.param(
            "phone", [{"phone_e164": "+861"}, {"phone_e164": "+862", "day": 2}], "+862", id="the latest number",
        ),
        pytest.param(
            "phone", [{"phone_e164": "+861"}, {"phone_e164": "+862", "day": 2, "deleted_at": datetime(2026, 1, 3)}], "+861",  # noqa: DTZ001
            id="a deleted record says nothing",
        ),
        pytest.param(
            "birth_date", [{"birth_date": date(1990, 5, 1)}, {"birth_date": date(1990, 5, 1)}, {"birth_date": date(1990, 1, 5), "day": 9}],
            date(1990, 5, 1), id="the day that most agree on",
        ),
        pytest.param(
            "birth_date", [{"birth_date": date(1991, 2, 3)}, {"birth_date": date(1900, 1, 1), "day": 9}], date(1991, 2, 3),
            id="a day before one that stands for none",
        ),
        pytest.param("language", [{"language": "zh"}, {"language": None, "day": 9}], "zh", id="an empty value says nothing"),
    ],
)  # fmt: skip
def test_what_survives(warehouse: Warehouse, attribute: str, members: list[dict[str, Any]], survives: object) -> None:
    assert contact(warehouse, *members)[attribute] == survives


def test_shared_addresses_are_marked(warehouse: Warehouse) -> None:
    found = contact(
        warehouse, {"email_normalised": "home@x.cn", "phone_e164": "+861"}, {"customer_key": 2, "email_normalised": "home@x.cn"}
    )
    assert (found["is_email_shared"], found["is_phone_shared"]) == (True, False)


def test_whoever_begins_to_share_an_address_marks_it_for_the_other(make_run: Callable[..., Run], warehouse: Warehouse) -> None:
    from tests.retention.conform.test_identity_in_core import deliver
    from tests.retention.quality.company import customer

    deliver(make_run(date(2026, 3, 30)), "crm", "customer", [customer("w", name="王伟", phone="13912345601")])
    assert rows_of(warehouse, "select is_phone_shared from pii.contact") == [(False,)]
    deliver(make_run(date(2026, 3, 31)), "shop", "customer", [customer("f", name="王芳", phone="13912345601")])
    assert rows_of(warehouse, "select is_phone_shared from pii.contact") == [(True,), (True,)]
