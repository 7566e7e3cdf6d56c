"""Who is the same person: by rule, and never by who was delivered first."""

from __future__ import annotations

import itertools
from datetime import UTC, date, datetime

import pytest

from retention.identity import Member, link_members, normalise_email, normalise_phone


def member(key: int, year: int = 2025, **more: object) -> Member:
    return Member(key, "crm", f"c{key}", datetime(year, 1, 1, tzinfo=UTC), **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        pytest.param("  Ana@Example.COM\n", "ana@example.com", id="space and case"),
        pytest.param("ana+shop@example.com", "ana+shop@example.com", id="a plus tag is another mailbox"),
        pytest.param("bo@BÜCHER.example", "bo@xn--bcher-kva.example", id="international domain"),
        pytest.param("ana@exam\u200bple.com", "ana@example.com", id="zero-width space"),
        pytest.param("", None, id="empty"),
        pytest.param("   ", None, id="blank"),
        pytest.param("none", None, id="no address"),
        pytest.param("a b@example.com", None, id="space inside"),
        pytest.param("ana@localhost", None, id="no domain"),
        pytest.param("аna@example.com", "аna@example.com", id="a Cyrillic look-alike stays another address"),
    ],
)
def test_email(typed: str, expected: str | None) -> None:
    assert normalise_email(typed) == expected


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        pytest.param("138 0013 8000", "+8613800138000", id="national, Chinese by default"),
        pytest.param("+86 138-0013-8000", "+8613800138000", id="international"),
        pytest.param("0086 13800138000", "+8613800138000", id="00 prefix"),
        pytest.param("１３８００１３８０００", "+8613800138000", id="full-width digits"),
        pytest.param("+44 20 7946 0958", "+442079460958", id="another country"),
        pytest.param("12", None, id="too short"),
        pytest.param("call me", None, id="words"),
        pytest.param("9" * 1000, None, id="a thousand digits"),
        pytest.param(None, None, id="absent"),
    ],
)
def test_phone(typed: str | None, expected: str | None) -> None:
    assert normalise_phone(typed) == expected


def test_the_same_address_links_and_the_earliest_names_the_person() -> None:
    links = link_members([member(7, 2026, email="ana@x.cn"), member(9, 2024, email="ana@x.cn"), member(3, email="bo@x.cn")])
    assert {key: (link.customer_key, link.rule) for key, link in links.items()} == {
        7: (9, "email"),
        9: (9, "first"),
        3: (3, "alone"),
    }


def test_a_chain_of_addresses_links() -> None:
    # Chen gave an e-mail online, a phone in the shop, and both on the hotline.
    links = link_members([member(1, email="chen@x.cn"), member(2, email="chen@x.cn", phone="+1"), member(3, phone="+1")])
    assert {link.customer_key for link in links.values()} == {1}


def test_an_address_of_too_many_links_nobody() -> None:
    shop = [member(key, phone="+861") for key in range(1, 5)]
    assert {link.customer_key for link in link_members(shop, 3).values()} == {1, 2, 3, 4}
    # Guard off: the limit out of reach, and four strangers are one person.
    assert {link.customer_key for link in link_members(shop, 4).values()} == {1}


def test_a_family_address_links_nobody() -> None:
    # Dai and her mother share a phone; their birth dates say they are two.
    dai, mother = member(1, phone="+1", birth_date=date(1990, 5, 1)), member(2, phone="+1", birth_date=date(1962, 3, 1))
    assert {link.rule for link in link_members([dai, mother]).values()} == {"alone"}


def test_a_chain_between_two_birth_dates_is_parted() -> None:
    # Emma – a record without a birth date – Fang: the middle one cannot make them one.
    emma = member(1, email="e@x.cn", birth_date=date(1990, 1, 1))
    middle = member(2, email="e@x.cn", phone="+1")
    fang = member(3, phone="+1", birth_date=date(1970, 1, 1))
    assert {key: link.customer_key for key, link in link_members([emma, middle, fang]).items()} == {1: 1, 2: 2, 3: 3}


def test_no_order_of_arrival_changes_the_outcome() -> None:
    people = [
        member(1, email="a@x.cn"),
        member(2, email="a@x.cn", phone="+1"),
        member(3, phone="+1"),
        member(4, email="b@x.cn", birth_date=date(1990, 1, 1)),
        member(5, email="b@x.cn", birth_date=date(1991, 1, 1)),
        member(6),
    ]
    outcomes = [link_members(order) for order in itertools.permutations(people)]
    assert all(outcome == outcomes[0] for outcome in outcomes)


def test_ties_in_creation_time_go_by_source_then_number() -> None:
    born = datetime(2025, 1, 1, tzinfo=UTC)
    crm, shop = Member(5, "crm", "9", born, email="a@x.cn"), Member(1, "shop", "1", born, email="a@x.cn")
    assert {link.customer_key for link in link_members([shop, crm]).values()} == {5}
