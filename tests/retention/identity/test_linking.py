"""Who is the same person, and who never is: by rule, and never by who was delivered first."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import Any

import pytest

from retention.identity import Decision
from retention.settings import IngestSettings
from tests.retention.identity.people import groups, link, records, together

PHONE, OTHER_PHONE = "13912345601", "13787654302"


@pytest.mark.parametrize(
    ("ana", "again"),
    [
        pytest.param({"email": "ana@x.cn"}, {"email": "ANA@x.cn"}, id="the same mailbox, nothing else known"),
        pytest.param(
            {"name": "王伟", "phone": PHONE}, {"name": "王伟", "phone": "+86 " + PHONE}, id="the same name and number"
        ),
        pytest.param({"name": "王小明", "phone": PHONE}, {"name": "王晓铭", "phone": PHONE}, id="characters of the same sound"),
        pytest.param({"name": "陳偉", "phone": PHONE}, {"name": "陈伟", "phone": PHONE}, id="traditional characters"),
        pytest.param(
            {"name": "Robert Li", "phone": PHONE}, {"name": "LI, Bob", "phone": PHONE}, id="nickname, family name first"
        ),
        pytest.param(
            {"name": "王女士", "phone": PHONE}, {"name": "王芳", "phone": PHONE}, id="a title in place of the given name"
        ),
        pytest.param(
            {"name": "王芳", "phone": PHONE, "birth_date": "1990-05-01"},
            {"name": "王芳", "phone": PHONE, "birth_date": "1990-01-05", "source": "shop"},
            id="day and month exchanged",
        ),
        pytest.param(
            {"name": "欧阳雪梅", "birth_date": "1990-05-01", "city": "上海", "phone": PHONE},
            {"name": "欧阳雪梅", "birth_date": "1990-05-01", "city": "上海市", "phone": OTHER_PHONE},
            id="no address in common: a rare name, the day of birth and the city",
        ),
        pytest.param(
            {"name": "Emma Torres", "birth_date": "1984-07-12", "phone": "13912345601"},
            {"name": "Emma Torres", "birth_date": "1984-07-12", "phone": "13912345610"},
            id="two digits exchanged in the number",
        ),
        pytest.param(
            {"name": "Emma Torres", "birth_date": "1984-07-12", "email": "emma.torres77@163.com"},
            {"name": "Emma Tores", "birth_date": "1984-07-12", "email": "emma.torres77@gmail.com"},
            id="a letter missing, another provider",
        ),
    ],
)
def test_one_person(ana: dict[str, Any], again: dict[str, Any]) -> None:
    assert together(ana, again)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param({"name": "王伟", "phone": PHONE}, {"name": "王芳", "phone": PHONE}, id="a family's number"),
        pytest.param({"name": "王伟", "phone": PHONE}, {"name": "李娜", "phone": PHONE}, id="a couple's number"),
        pytest.param(
            {"name": "王大双", "phone": PHONE, "email": "w@x.cn", "birth_date": "2001-03-04", "city": "上海"},
            {"name": "王小双", "phone": PHONE, "email": "w@x.cn", "birth_date": "2001-03-04", "city": "上海"},
            id="twins who share everything but a character",
        ),
        pytest.param(
            {"phone": PHONE, "birth_date": "1990-05-01"}, {"phone": PHONE, "birth_date": "1962-03-01"}, id="two days of birth"
        ),
        pytest.param(
            {"name": "王伟", "birth_date": "1990-05-01", "city": "上海"},
            {"name": "王伟", "birth_date": "1990-05-01", "city": "北京"},
            id="a common name and a day of birth in two cities: there are many 王伟",
        ),
        pytest.param({"phone": PHONE, "gender": "male"}, {"phone": PHONE, "gender": "female"}, id="a man and a woman"),
        pytest.param(
            {"name": "Bo Smith", "phone": "13800138000"}, {"phone": "13800138000"}, id="the number forms are filled with"
        ),
        pytest.param({"email": "info@firm.cn"}, {"email": "info@firm.cn"}, id="a firm's address"),
        pytest.param(
            {"name": "上海大华贸易有限公司", "phone": PHONE},
            {"name": "王伟", "phone": PHONE},
            id="a company and who works there",
        ),
        pytest.param({"name": "王伟", "phone": PHONE}, {"name": "David Chen", "phone": PHONE}, id="names in two scripts"),
        pytest.param(
            {"name": "Dai Li", "birth_date": "1990-01-01"}, {"name": "Dai Li", "birth_date": "1990-01-01"}, id="a form's date"
        ),
        pytest.param(
            {"name": "王芳", "phone": PHONE, "birth_date": "1990-05-01"},
            {"name": "王芳", "phone": PHONE, "birth_date": "1990-05-02"},
            id="one source knows two days of birth",
        ),
    ],
)
def test_two_people(one: dict[str, Any], other: dict[str, Any]) -> None:
    assert not together(one, other)


def test_the_earliest_names_the_person() -> None:
    links = link(
        {"key": 7, "year": 2026, "email": "ana@x.cn"},
        {"key": 9, "year": 2024, "email": "ana@x.cn"},
        {"key": 3, "email": "bo@x.cn"},
    ).links
    assert [tuple(row) for row in links.itertuples(index=False)] == [(3, 3, "alone"), (7, 9, "email"), (9, 9, "first")]


def test_ties_in_creation_time_go_by_source_then_number() -> None:
    links = link({"key": 1, "source": "shop", "email": "ana@x.cn"}, {"key": 5, "source": "crm", "email": "ana@x.cn"}).links
    assert set(links["customer_key"]) == {5}


def test_a_chain_of_addresses_links() -> None:
    # Chen gave an e-mail online, a phone in the shop, and both on the hotline.
    assert together({"email": "chen@x.cn"}, {"email": "chen@x.cn", "phone": PHONE}, {"phone": PHONE})


def test_an_address_of_too_many_links_nobody_by_itself() -> None:
    shop = [{"phone": PHONE}] * 4
    assert len(groups(link(*shop))) == 4
    # Guard off: the limit out of reach, and four strangers are one person.
    assert together(*shop, settings=replace(IngestSettings(), shared_address_limit=4))


def test_a_large_family_shares_a_number_and_each_is_known_by_name() -> None:
    # Fang's family of four and the grandparents; Fang is there twice.
    family = [{"name": name, "phone": PHONE} for name in ("张芳", "张伟", "李秀英", "张国强", "王桂兰", "张芳")]
    assert groups(link(*family)) == {frozenset({1, 6}), *(frozenset({key}) for key in (2, 3, 4, 5))}


def test_a_switchboard_links_not_even_equal_names() -> None:
    firm = [{"name": f"{surname}伟", "phone": PHONE} for surname in "王李张刘陈杨黄赵吴周徐孙马"] + [
        {"name": "王伟", "phone": PHONE}
    ]
    assert len(groups(link(*firm))) == 14
    # Guard off: the two 王伟 of a firm become one.
    assert frozenset({1, 14}) in groups(link(*firm, settings=replace(IngestSettings(), company_address_limit=99)))


def test_a_chain_between_two_people_is_parted() -> None:
    # Emma – a record without a name – Gao: the middle one cannot make them one, and belongs to neither.
    emma, middle, gao = (
        {"name": "Emma Li", "email": "e@x.cn"},
        {"email": "e@x.cn", "phone": PHONE},
        {"name": "Gao Hua", "phone": PHONE},
    )
    assert len(groups(link(emma, middle, gao))) == 3
    # What ties more strongly stays: the middle one has Emma's day of birth.
    born = {"birth_date": "1990-02-03"}
    assert groups(link({**emma, **born}, {**middle, **born}, gao)) == {frozenset({1, 2}), frozenset({3})}


def test_no_order_of_arrival_changes_the_outcome() -> None:
    people = [
        {"key": 1, "email": "a@x.cn"},
        {"key": 2, "email": "a@x.cn", "phone": PHONE},
        {"key": 3, "phone": PHONE, "birth_date": "1990-02-01"},
        {"key": 4, "email": "b@x.cn", "birth_date": "1990-02-01"},
        {"key": 5, "email": "b@x.cn", "birth_date": "1991-06-01", "phone": PHONE},
    ]
    outcomes = [link(*order).links.to_dict() for order in itertools.islice(itertools.permutations(people), 0, 120, 7)]
    assert all(outcome == outcomes[0] for outcome in outcomes)


def test_decisions_of_people_outrank_every_rule() -> None:
    one, other = {"name": "王伟", "birth_date": "1990-05-01"}, {"name": "王卫国", "birth_date": "1971-02-03"}
    assert together(one, other, decisions=[Decision(1, 2, "same")])
    alike = {"name": "王伟", "phone": PHONE}
    assert not together(alike, alike, decisions=[Decision(2, 1, "different")])
    # Kept apart, two stay apart even if a third one would join them.
    assert len(groups(link(alike, alike, alike, decisions=[Decision(1, 2, "different")]))) == 3


def test_a_person_has_no_more_records_than_the_limit() -> None:
    settings = replace(IngestSettings(), shared_address_limit=100, person_records_limit=5)
    assert len(groups(link(*[{"phone": PHONE}] * 6, settings=settings))) == 6
    assert len(groups(link(*[{"phone": PHONE}] * 5, settings=settings))) == 1


def test_every_pair_says_what_it_rests_on() -> None:
    pairs = link({"name": "王伟", "phone": PHONE}, {"name": "王伟", "phone": PHONE, "birth_date": "1990-05-01"}).pairs
    assert pairs[["left", "right", "rule", "state", "gamma_name", "gamma_phone", "gamma_birth"]].values.tolist() == [
        [1, 2, "phone", "link", 6, 2, -1]
    ]
    assert pairs["weight"][0] > 10


def test_records_may_be_none() -> None:
    assert link_nothing() == 0


def link_nothing() -> int:
    return len(link(*[{"key": 1}]).pairs) + len(records())


def test_what_a_rare_name_does_not_prove() -> None:
    # Nobody of this name was ever met, and the city is the same: still two people until something of their own agrees.
    one, other = (
        {"name": "令狐槑", "city": "温州", "gender": "male"},
        {"name": "令狐槑", "city": "温州", "gender": "male", "source": "shop"},
    )
    linked = link(one, other)
    assert len(groups(linked)) == 2
    assert linked.pairs["state"].tolist() == ["review"]
    assert together({**one, "birth_date": "1991-02-03"}, {**other, "birth_date": "1991-02-03"})


def test_the_next_mailbox_of_a_name_is_somebody_else() -> None:
    one, other = (
        {"name": "高静", "email": "gaojing12@x.cn", "city": "上海"},
        {"name": "高静", "email": "gaojing13@x.cn", "city": "上海"},
    )
    assert not together(one, other)
