"""Match keys: the published examples, SQL and Python equal for every text, nothing hashed twice, names that say too much."""

from __future__ import annotations

import hashlib
import random
from pathlib import Path

import pytest
import sqlalchemy as sa

from retention.campaigns.match_keys.building import build, check_vectors, keys_sql, normalise
from retention.campaigns.match_keys.naming import lint_name
from retention.campaigns.match_keys.recipes import Key, Recipe, RecipeError, load_recipe, load_recipes
from retention.campaigns.match_keys.steps import BLANKS, SMALL_LETTERS, Binds, sha256
from retention.identity.addresses import normalise_phone
from retention.warehouse import Warehouse

PUBLISHED = {
    "google_v1": "4003290d01359ce4c2fd120b50289ac886cabe681c86e35d06d69a238d5543c8",
    "google_v2": "7ec41e30ac7d90893d9047ddd1c294363b4df08e34fd600b2806407349d90b70",
    "meta_v1": "10fdc5d06cf9433de29ca464f949f3699d30fa86e848188a08e36822d32acb48",
    "plain_v1": "e8ac712a79719c27103248950bd5191fd0ecbcca8dacec120eed910700b0360e",
    "tiktok_v1": "ee3ed596c096006cf69401d20ed72d321f95114f975ff0fde094666e87d6a756",
    "tiktok_v2": "3a72c0459357c02a32839b3478655b70dbacad5e9eb537a9bf9bc56555236276",
    "x_v1": "e7f5030cdc60dbf5e3b293326fc7e63b4c3687cb65a1026d3df93863a8c2ca20",
}
"""What each version says. A version that was used never changes: a new rule is a new version."""

EXAMPLES = [(recipe, vector) for recipe in load_recipes().values() for vector in recipe.vectors]


def key_of(recipe: str, key: str) -> Key:
    return next(k for k in load_recipe(recipe).keys if k.name == key)


@pytest.mark.parametrize("name", sorted(PUBLISHED))
def test_a_version_never_changes(name: str) -> None:
    assert load_recipe(name).content_hash == PUBLISHED[name], "write a new version beside it instead"


def test_every_recipe_is_published() -> None:
    assert set(load_recipes()) == set(PUBLISHED)
    assert load_recipe("google").name == "google_v2", "the destination alone means its newest version"
    assert load_recipe("tiktok").name == "tiktok_v2"


@pytest.mark.parametrize(("recipe", "vector"), EXAMPLES, ids=lambda value: getattr(value, "name", getattr(value, "text", "")))
def test_the_published_examples_come_out_as_published(recipe: Recipe, vector: object) -> None:
    key = next(k for k in recipe.keys if k.name == vector.key)  # type: ignore[attr-defined]
    assert normalise(key, vector.text).value == vector.normal  # type: ignore[attr-defined]
    assert (build(key, vector.text).value or "").startswith(vector.digest or "")  # type: ignore[attr-defined]


def test_one_person_has_a_key_of_their_own_at_each_destination() -> None:
    """The plus sign alone makes another hash: a list for one destination matches nobody at the other."""
    number = "+1 650 555 1212"
    keys = {name: build(key_of(name, "phone"), number).value for name in ("google", "meta", "tiktok", "x")}
    assert keys["meta"] == hashlib.sha256(b"16505551212").hexdigest() == keys["tiktok"]
    assert keys["google"] == hashlib.sha256(b"+16505551212").hexdigest() == keys["x"]
    assert str(keys["meta"]).startswith("e323ec62")
    assert str(keys["google"]).startswith("1e231c66")


def test_a_national_number_gets_its_country_where_it_comes_in() -> None:
    """Published: (657)777-0000 becomes 16577770000. The recipe itself refuses to guess the country."""
    assert build(key_of("tiktok", "phone"), "(657)777-0000").reason == "invalid"
    assert normalise(key_of("tiktok", "phone"), normalise_phone("(657) 777-0000", "US")).value == "16577770000"


@pytest.mark.parametrize(
    "digest",
    [
        hashlib.sha256(b"a@b.cn").hexdigest(),
        hashlib.sha256(b"a@b.cn").hexdigest().upper(),
        hashlib.md5(b"a@b.cn", usedforsecurity=False).hexdigest(),
        hashlib.sha1(b"a@b.cn", usedforsecurity=False).hexdigest(),
        f"  {hashlib.sha512(b'a@b.cn').hexdigest()} ",
        "n4bQgYhMfWWaL+qgxVrQFaO/TxsrC4Is0V1sFbDwCgg=",
    ],
    ids=["sha256", "sha256 in capitals", "md5", "sha1", "sha512 with blanks", "sha256 in base 64"],
)
def test_what_is_a_hash_already_is_never_hashed_again(digest: str) -> None:
    for recipe in load_recipes().values():
        for key in recipe.keys:
            if key.field != "customer":
                assert build(key, digest).reason == "already_hashed", (recipe.name, key.name)


def test_nothing_is_never_hashed() -> None:
    for text in (None, "", "   ", "\u3000"):
        assert build(key_of("meta", "email"), text).reason == "missing"
    with pytest.raises(ValueError, match="no match key"):
        sha256("")


def nasty_texts() -> list[str]:
    """Addresses as customers type them, and random rubbish over the characters that recipes look at."""
    chosen = random.Random(5)
    letters = "aZÉßİΣſKÅ王李.+@-_ 09\u3000\u200b\u00a0\t\n\u0301'\"\\{},()/%:"
    texts = [
        vector.text for _, vector in EXAMPLES
    ] + [
        "Ana.Li+Shop@Gmail.Com", "a+b@c+d.com", "a@b@gmail.com", "a+b@c@gmail.com", "a.b+c@d@", "..@gmail.com", ".+.@googlemail.com", "@gmail.com", "a@gmail.com ",
        "ÀÉÎ@Bücher.example", "İstanbul@example.com", "ΣΑΣ@example.gr", "王.芳+店@例子.cn", "a@b", "a b@c.de", "+86 138 1234 5678",
        "+00", "+0086 138 1234 5678", "+1(650)555-1212 ", "++1 650 555 1212", "+1.650.555.1212", "１３８", "+８６１３８", "-42", "007",
        "a" * 315 + "@x.cn", "a" * 316 + "@x.cn", "f" * 64, "F" * 32, "\x1f", " \u2003 ", "a@b.c\u00add",
    ]  # fmt: skip
    for _ in range(1500):
        texts.append("".join(chosen.choice(letters) for _ in range(chosen.randrange(0, 14))))
        local = "".join(chosen.choice("abZ.+É9_") for _ in range(chosen.randrange(0, 8)))
        domain = chosen.choice(["gmail.com", "GoogleMail.com", "example.cn", "x", ""])
        texts.append(chosen.choice(["", " "]) + local + "@" + domain + chosen.choice(["", "\u3000"]))
        digits = "".join(chosen.choice("0123456789 -().") for _ in range(chosen.randrange(3, 18)))
        texts.append(chosen.choice(["+", "", "00", "+0", " +"]) + digits)
    return texts


@pytest.mark.parametrize("name", sorted(PUBLISHED))
def test_sql_and_python_build_the_same_key_or_the_same_reason(warehouse: Warehouse, name: str) -> None:
    recipe, texts, binds = load_recipe(name), nasty_texts(), Binds()
    query = keys_sql(recipe, "pg_temp.people", binds)
    with warehouse.engine.connect() as connection:
        connection.execute(
            sa.text(
                "create temporary table people as select row_number as customer_key, text as email, text as phone, "
                "text as customer from unnest(cast(:texts as text[])) with ordinality as row (text, row_number)"
            ),
            {"texts": texts},
        )
        rows = connection.execute(sa.text(query), binds.values).mappings().all()
    assert len(rows) == len(texts)
    built = 0
    for row in rows:
        for key in recipe.keys:
            expected = build(key, texts[row["customer_key"] - 1])
            assert (row[key.name], row[f"{key.name}_reason"]) == (expected.value, expected.reason), texts[
                row["customer_key"] - 1
            ]
            built += expected.value is not None
    assert built > 300, "most of the texts must not be rubbish to both"


def test_small_letters_are_the_same_whatever_the_server_thinks_of_language(warehouse: Warehouse) -> None:
    """The embedded server knows the small letters of ASCII alone; the recipes know all."""
    everything = "".join(map(chr, SMALL_LETTERS))
    key, binds = key_of("meta", "email"), Binds()
    lower = next(step for step in key.steps if step.name == "lower")
    with warehouse.connect() as connection:
        found = connection.execute(
            sa.text(f"select {lower.sql('given.text', binds)} from (select cast(:text as text) as text) as given"),
            {**binds.values, "text": everything},
        ).scalar_one()
    assert found == lower.apply(everything) == "".join(SMALL_LETTERS.values())
    assert len(BLANKS) == len(set(BLANKS))


def test_an_example_that_comes_out_differently_stops_the_export(tmp_path: Path, project: Path) -> None:
    """The guard that a changed step cannot pass: turned off (the example taken out), the wrong keys would be built."""
    text = (project / "include" / "recipes" / "google_v2.yml").read_text(encoding="utf-8")
    broken = text.replace("{drop_dots: [gmail.com, googlemail.com]}", "{drop_dots: [gmail.com]}")
    assert broken != text
    (tmp_path / "google_v2.yml").write_text(broken, encoding="utf-8")
    with pytest.raises(RecipeError, match="google_v2: published example 1 of email does not come out as published"):
        check_vectors(load_recipe("google_v2", tmp_path))
    (tmp_path / "off").mkdir()
    (tmp_path / "off" / "google_v2.yml").write_text(broken.partition("vectors:")[0], encoding="utf-8")
    unguarded = load_recipe("google_v2", tmp_path / "off")
    assert check_vectors(unguarded) == 0
    assert build(unguarded.keys[0], "j.d@googlemail.com") != build(key_of("google_v2", "email"), "j.d@googlemail.com")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("minimum_rows: 100", "minimun_rows is not known here; did you mean minimum_rows?"),
        ("steps: [trim, lower]", "keys.email: lowre is no step; known are trim"),
        ("of: phone", "keys.phone: of must be one of email, phone, customer"),
        ("consent: {states: [personalised, unspecified]}", "consent.states are among personalised"),
        ("recipe: meta_v1", "recipe must be the file's name"),
    ],
)
def test_a_wrong_recipe_is_refused_by_name(tmp_path: Path, project: Path, line: str, message: str) -> None:
    wrong = {
        "minimum_rows: 100": "minimun_rows: 100",
        "steps: [trim, lower]": "steps: [trim, lowre]",
        "of: phone": "of: telephone",
        "consent: {states: [personalised, unspecified]}": "consent: {states: [everybody]}",
        "recipe: meta_v1": "recipe: meta_v2",
    }[line]
    text = (project / "include" / "recipes" / "meta_v1.yml").read_text(encoding="utf-8")
    (tmp_path / "meta_v1.yml").write_text(text.replace(line, wrong), encoding="utf-8")
    with pytest.raises(RecipeError, match=f"meta_v1.yml: {message}.*Nothing was built"):
        load_recipe("meta_v1", tmp_path)


def test_an_unknown_recipe_names_the_nearest() -> None:
    with pytest.raises(RecipeError, match="no recipe for match keys named gogle_v2; did you mean google_v2"):
        load_recipe("gogle_v2")


@pytest.mark.parametrize(
    "name",
    ["low_credit", "LowCreditWinBack", "high income spring", "diabetes-care", "pregnant_customers", "UNEMPLOYED", "糖尿病关怀", "低收入人群", "孕妇专享",
     "debt_relief", "weight-loss offer"],
)  # fmt: skip
def test_names_that_would_say_something_about_health_or_money_are_found(name: str) -> None:
    assert lint_name(name)


@pytest.mark.parametrize(
    "name", ["high_value_vip", "win_back", "churn_rescue", "low_cost_care", "default_audience", "大客户专属", "流失挽留", "second_purchase", "complaint_recovery"]
)  # fmt: skip
def test_ordinary_names_are_left_alone(name: str) -> None:
    assert lint_name(name) == []


def test_no_shipped_play_has_such_a_name(project: Path) -> None:
    names = [path.stem for path in (project / "include" / "plays").glob("*.yml")]
    assert names
    assert {name: lint_name(name) for name in names if lint_name(name)} == {}
