"""Play files: the shipped ones are right, and what is wrong with one is said with file, line and suggestion."""

from __future__ import annotations

from pathlib import Path

import pytest

from retention import campaigns
from retention.campaigns.catalogue import PREDICTED, PROTECTED, attributes
from retention.campaigns.plays import PLAYS_DIR
from retention.warehouse import load_contract

SHIPPED = {
    "welcome", "second_purchase", "churn_rescue", "win_back", "complaint_recovery", "complaint_call", "birthday", "tier_nudge",
    "strategic_care",
}  # fmt: skip


def test_the_shipped_plays() -> None:
    plays = {play.name: play for play in campaigns.load_plays()}
    assert set(plays) == SHIPPED
    assert all(play.name_en and play.name_zh for play in plays.values())
    assert {name for name, play in plays.items() if play.uses_profiling} == {"churn_rescue", "strategic_care"}
    assert plays["win_back"].max_tries == 3
    assert [rung.amount for rung in plays["complaint_recovery"].ladder] == [20, 10, 5]


def test_the_catalogue_is_the_table() -> None:
    columns = set(load_contract("campaigns.customer_attributes").column_names)
    assert set(attributes()) < columns
    assert set(attributes()) >= PROTECTED | PREDICTED


def _changed(folder: Path, name: str, old: str, new: str) -> list[str]:
    text = (PLAYS_DIR / f"{name}.yml").read_text(encoding="utf-8")
    assert old in text
    (folder / f"{name}.yml").write_text(text.replace(old, new, 1), encoding="utf-8")
    return campaigns.check_plays(folder)[1]


@pytest.mark.parametrize(
    ("name", "old", "new", "message"),
    [
        pytest.param(
            "second_purchase", "attribute: count_orders_lifetime", "attribute: count_order_lifetime",
            "second_purchase.yml:10: attribute count_order_lifetime is not in the catalogue; did you mean count_orders_lifetime?",
            id="misspelt attribute",
        ),
        pytest.param(
            "welcome", "is: new", "is: newcomer", "welcome.yml:9: lifecycle_stage: has no value newcomer", id="unknown value"
        ),
        pytest.param("welcome", "channels:", "chanels:", "play has no chanels; did you mean channels?", id="misspelt key"),
        pytest.param(
            "welcome", "[wechat, app, email, sms]", "[wechat, app, e-mail, sms]",
            "welcome.yml:11: channels.2 is 'e-mail'; did you mean email?", id="unknown channel",
        ),
        pytest.param("churn_rescue", "amount: 50", "amount: -50", "churn_rescue.yml:17: offer.0.amount", id="negative amount"),
        pytest.param(
            "churn_rescue", "when: {attribute: value_at_risk_minor, at_least: 100000}", "when: {attribute: gender, is: female}",
            "churn_rescue.yml:18: gender is a protected attribute and may not decide about an offer", id="gender on the ladder",
        ),
        pytest.param(
            "churn_rescue", "- {attribute: churn_probability, at_least: 0.5}", "- {attribute: age_years, at_least: 50}",
            "churn_rescue.yml:9: age_years is a protected attribute", id="age in the audience of a priced offer",
        ),
        pytest.param(
            "churn_rescue", "at_least: 0.5", "at_least: 50", "churn_probability: is a share between 0 and 1, found 50",
            id="percent for a share",
        ),
        pytest.param(
            "second_purchase", "between: [7, 15]", "between: [15, 7]", "between 15 and 7 holds for nobody", id="bounds swapped"
        ),
        pytest.param(
            "second_purchase", "{attribute: count_orders_lifetime, is: 1}", "{attribute: days_since_first_order, less_than: 3}",
            "second_purchase.yml:7: days_since_first_order would have to be at least 7 and at most 3", id="contradiction",
        ),
        pytest.param(
            "churn_rescue", "    when: {attribute: value_at_risk_minor, at_least: 40000}\n", "",
            "offer rescue_20_yuan takes everybody, the rungs below it are never reached", id="rung that hides others",
        ),
        pytest.param(
            "win_back", "purpose: marketing", "purpose: service", "a promotional play needs consent to marketing", id="wrong purpose"
        ),
        pytest.param(
            "win_back", "priority: 50", "priority: 50\nfrequency_cap: exempt", "contact caps bind every promotional play",
            id="promotion without cap",
        ),
        pytest.param("win_back", "holdout_share: 0.1", "holdout_share: 0", "every play keeps a control group", id="no control"),
        pytest.param(
            "birthday", "event: birthday_on", "event: birthday", "birthday names no event; did you mean birthday_on?",
            id="unknown event",
        ),
        pytest.param("birthday", "priority: 40", "priority: 40\nkind: staff", "kind is there twice, first in line", id="twice"),
        pytest.param("birthday", "kind: promotional", "kind: [", "no valid YAML", id="no YAML"),
        pytest.param(
            "tier_nudge", "email: 0.01, ", "", "the cost of a touch by email is missing", id="cost of a channel missing"
        ),
        pytest.param(
            "complaint_call", "{opening: 10, ceiling: 30}", "{opening: 40, ceiling: 30}", "the opening offer is above the ceiling",
            id="opening above ceiling",
        ),
        pytest.param("birthday", "play: birthday", "play: birth_day", "play is birth_day, the file's name says birthday", id="name"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said(tmp_path: Path, name: str, old: str, new: str, message: str) -> None:
    problems = _changed(tmp_path, name, old, new)
    assert any(message in problem for problem in problems), problems


def test_all_problems_at_once_and_the_others_still_load(tmp_path: Path) -> None:
    """One wrong play among right ones: the check names it and returns the others; loading to plan refuses."""
    for path in PLAYS_DIR.glob("*.yml"):
        (tmp_path / path.name).write_text(path.read_text(encoding="utf-8"), encoding="utf-8")
    _changed(tmp_path, "birthday", "priority: 40", "priority: 400")
    plays, problems = campaigns.check_plays(tmp_path)
    assert {play.name for play in plays} == SHIPPED - {"birthday"}
    assert len(problems) == 1
    with pytest.raises(campaigns.PlayError, match=r"birthday.yml:\d+: priority") as error:
        campaigns.load_plays(tmp_path)
    assert "docs/runbook.md#plays" in str(error.value)


def test_layout_does_not_change_the_hash(tmp_path: Path) -> None:
    before = {play.name: play.content_hash for play in campaigns.load_plays()}["birthday"]
    text = (PLAYS_DIR / "birthday.yml").read_text(encoding="utf-8")
    (tmp_path / "birthday.yml").write_text("# a remark\n" + text, encoding="utf-8")
    assert campaigns.load_plays(tmp_path)[0].content_hash == before
    (tmp_path / "birthday.yml").write_text(text.replace("priority: 40", "priority: 41"), encoding="utf-8")
    assert campaigns.load_plays(tmp_path)[0].content_hash != before


def test_values_never_become_part_of_the_statement(tmp_path: Path) -> None:
    """A text from a play file travels as a bound value, whatever it says."""
    from retention.campaigns.candidates import candidate_query
    from retention.settings import CompanySettings

    text = (PLAYS_DIR / "welcome.yml").read_text(encoding="utf-8")
    hostile = "x'); drop table core.customer; --"
    changed = text.replace("{attribute: lifecycle_stage, is: new}", f'{{attribute: occupation, is: "{hostile}"}}')
    (tmp_path / "welcome.yml").write_text(changed, encoding="utf-8")
    statement, values = candidate_query(campaigns.load_plays(tmp_path), CompanySettings())
    assert hostile not in statement
    assert hostile in values.values()


@pytest.mark.parametrize(
    ("play", "period", "customer_key", "expected"),
    [
        ("welcome", "once", 1, 0.5799639277560795),
        ("churn_rescue", "2026-04", 5910861779404230260, 0.4290595342285852),
        ("birthday", "2026-04-04", -42, 0.3636688418278169),
    ],
)
def test_published_vectors_of_the_draw(play: str, period: str, customer_key: int, expected: float) -> None:
    assert campaigns.bucket("retention-holdout-v1", play, period, customer_key) == expected
