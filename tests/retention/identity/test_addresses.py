"""Addresses in one form: a table of examples, and what must hold for every text there is."""

from __future__ import annotations

import phonenumbers
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retention.identity import addresses, normalise_email, normalise_phone


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        pytest.param("  Ana@Example.COM\n", "ana@example.com", id="space and case"),
        pytest.param("ana+shop@example.com", "ana+shop@example.com", id="a plus tag is another mailbox"),
        pytest.param("a.n.a@example.com", "a.n.a@example.com", id="so are dots"),
        pytest.param("bo@BÜCHER.example", "bo@xn--bcher-kva.example", id="international domain"),
        pytest.param("bo@bücher.example", "bo@xn--bcher-kva.example", id="the same, its accent apart"),
        pytest.param("chen@例子.中国", "chen@xn--fsqu00a.xn--fiqs8s", id="Chinese domain"),
        pytest.param("ｃｈｅｎ＠ｅｘａｍｐｌｅ．ｃｏｍ", "chen@example.com", id="full-width letters"),
        pytest.param("chen@example。com", "chen@example.com", id="a Chinese full stop"),
        pytest.param("ana@exam\u200bple.com", "ana@example.com", id="zero-width space"),
        pytest.param("\u202aana@example.com\u202c", "ana@example.com", id="marks of writing direction"),
        pytest.param("ana@example.com.", "ana@example.com", id="the root's dot"),
        pytest.param("ana@xn--bcher-kva.example", "ana@xn--bcher-kva.example", id="ASCII form stays"),
        pytest.param("", None, id="empty"),
        pytest.param("   ", None, id="blank"),
        pytest.param("none", None, id="no address"),
        pytest.param("a b@example.com", None, id="space inside"),
        pytest.param("ana@@example.com", None, id="two signs"),
        pytest.param("ana@localhost", None, id="no domain"),
        pytest.param("ana@-example.com", None, id="a domain that cannot be"),
        pytest.param("ana@example.com; bo@example.com", None, id="two addresses are none"),
        pytest.param("\ud800ana@bücher.example", None, id="half a character"),
        pytest.param("а" * 500 + "@example.com", None, id="too long"),
        pytest.param("аna@example.com", "аna@example.com", id="a Cyrillic look-alike stays another address"),
    ],
)
def test_email(typed: str, expected: str | None) -> None:
    if expected is None and "\ud800" in typed:
        assert "\ud800" not in (normalise_email(typed) or "")
        return
    assert normalise_email(typed) == expected


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        pytest.param("138 0013 8000", "+8613800138000", id="national, Chinese by default"),
        pytest.param("+86 138-0013-8000", "+8613800138000", id="international"),
        pytest.param("0086 13800138000", "+8613800138000", id="00 prefix"),
        pytest.param("(+86)13800138000", "+8613800138000", id="brackets"),
        pytest.param("１３８００１３８０００", "+8613800138000", id="full-width digits"),
        pytest.param("\u202a138 0013 8000\u202c", "+8613800138000", id="copied out of a contact list"),
        pytest.param("010-62345678", "+861062345678", id="landline of Beijing"),
        pytest.param("0755-2661 3388-801", "+8675526613388", id="extension after a dash"),
        pytest.param("0755-26613388转801", "+8675526613388", id="extension in Chinese"),
        pytest.param("0755-26613388 ext. 801", "+8675526613388", id="extension in English"),
        pytest.param("+44 20 7946 0958", "+442079460958", id="another country"),
        pytest.param("12", None, id="too short"),
        pytest.param("call me", None, id="words"),
        pytest.param("9" * 1000, None, id="a thousand digits"),
        pytest.param(None, None, id="absent"),
    ],
)
def test_phone(typed: str | None, expected: str | None) -> None:
    assert normalise_phone(typed) == expected


def test_the_region_decides_about_numbers_without_a_country() -> None:
    assert normalise_phone("020 7946 0958", "GB") == "+442079460958"
    # What is a mobile number in China is none in Britain.
    assert normalise_phone("13800138000", "GB") != "+8613800138000"


_TEXT = st.one_of(
    st.text(max_size=60),
    st.from_regex(r"[A-Za-zäÜß.+_-]{1,12}@[A-Za-zäÜ-]{1,10}\.(com|cn|中国|example)", fullmatch=True),
    st.from_regex(r"[\u200b\u3000 ]{0,2}[Ａ-Ｚa-z]{1,5}[@＠][a-z]{1,5}[.。][a-z]{2,3} ?", fullmatch=True),
)


@settings(max_examples=400, deadline=None)
@given(_TEXT)
def test_an_address_in_its_form_is_left_alone(typed: str) -> None:
    once = normalise_email(typed)
    if once is not None:
        assert normalise_email(once) == once
        assert once == once.lower()
        assert once.rpartition("@")[2].isascii()


@settings(max_examples=200, deadline=None)
@given(st.from_regex(r"[A-Za-z0-9._%+-]{1,20}@[A-Za-z0-9-]{1,12}\.[A-Za-z]{2,5}", fullmatch=True))
def test_the_short_way_for_plain_addresses_changes_nothing(typed: str) -> None:
    # An invisible character in front forces the long way.
    assert normalise_email(typed) == normalise_email("\u200b" + typed)


_LOOK_ALIKES = {"a": "а", "e": "е", "o": "о", "p": "р", "c": "с", "x": "х", "i": "і"}


@settings(max_examples=100, deadline=None)
@given(st.from_regex(r"[a-z]{0,4}[aeopcxi][a-z]{0,4}", fullmatch=True), st.data())
def test_a_look_alike_domain_is_another_one(domain: str, data: st.DataObject) -> None:
    place = data.draw(st.sampled_from([i for i, letter in enumerate(domain) if letter in _LOOK_ALIKES]))
    forged = domain[:place] + _LOOK_ALIKES[domain[place]] + domain[place + 1 :]
    assert normalise_email(f"ana@{forged}.com") != normalise_email(f"ana@{domain}.com")


@settings(max_examples=300, deadline=None)
@given(st.one_of(st.text(max_size=30), st.from_regex(r"[+(]?[0-9０-９ ()-]{3,20}(转[0-9]{1,4})?", fullmatch=True)))
def test_a_number_in_its_form_is_left_alone(typed: str) -> None:
    once = normalise_phone(typed)
    if once is not None:
        assert normalise_phone(once) == once
        assert once[0] == "+"
        assert once[1:].isascii()
        assert once[1:].isdigit()


@settings(max_examples=500, deadline=None)
@given(st.from_regex(r"(\+86 ?)?1[3-9][0-9]{9}", fullmatch=True), st.sampled_from(["CN", "GB", "US"]))
def test_the_short_way_for_chinese_mobiles_is_what_the_library_says(typed: str, region: str) -> None:
    assert normalise_phone(typed, region) == addresses._parsed_phone(typed, region)
    if region == "CN":
        parsed = phonenumbers.parse(typed, "CN")
        assert normalise_phone(typed) == phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)
