"""Play files: the shipped ones are right, and what is wrong with one is said with file, line and suggestion."""

from __future__ import annotations

import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest
import sqlalchemy as sa

from retention import campaigns
from retention.campaigns.catalogue import PREDICTED, PROTECTED, attributes
from retention.campaigns.conditions import Binds, reasons
from retention.campaigns.holidays import next_holiday
from retention.campaigns.plays import PLAYS_DIR, Budget
from retention.settings import PROJECT_ROOT
from retention.warehouse import Warehouse, load_contract

SHIPPED = {
    "strategic_care", "growth_upgrade", "base_care", "low_cost_care", "prospect_nurture", "welcome", "second_purchase",
    "regular_call_back", "tier_nudge", "points_expiry", "birthday", "anniversary", "holiday", "replenishment", "cross_sell",
    "renewal", "renewal_offer", "churn_rescue", "win_back", "win_back_call", "complaint_recovery", "complaint_call",
    "satisfaction_survey", "detractor_follow_up", "referral", "referral_reward", "ambassador", "low_frequency_education",
}  # fmt: skip


def test_the_shipped_plays() -> None:
    plays = {play.name: play for play in campaigns.load_plays()}
    assert set(plays) == SHIPPED
    assert all(play.name_en and play.name_zh for play in plays.values())
    assert {name for name, play in plays.items() if play.uses_profiling} == {
        "churn_rescue", "strategic_care", "growth_upgrade", "base_care", "low_cost_care", "replenishment", "cross_sell",
        "renewal_offer",
    }  # fmt: skip
    assert {name for name, play in plays.items() if play.kind == "staff"} == {
        "strategic_care", "complaint_call", "regular_call_back", "win_back_call", "detractor_follow_up",
    }  # fmt: skip
    assert all(play.expected or play.kind != "promotional" or play.name in ("ambassador", "prospect_nurture")
               for play in plays.values())  # fmt: skip
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
        pytest.param(
            "welcome", "{attribute: lifecycle_stage, is: new}", "{attribute: membership_level, in: [silver, glod]}",
            "welcome.yml:9: membership_level: has no value glod; did you mean gold?", id="a level of membership that is none",
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
            "second_purchase.yml:11: days_since_first_order less_than 3 (line 10) and between [7, 15] (line 11) hold for nobody",
            id="contradiction",
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
        pytest.param(
            "tier_nudge", "not_in: [prospect, lost]}", "not_in: [prospect, lost]}\n    - not: {attribute: lifecycle_stage, "
            "not_in: [prospect, lost]}", "tier_nudge.yml:10: lifecycle_stage not_in ['prospect', 'lost'] (line 9) and not not_in",
            id="a rule and its contrary",
        ),
        pytest.param(
            "base_care", "{attribute: value_class, is: base}", "{attribute: lifecycle_stage, is: lost}",
            "base_care.yml:11: lifecycle_stage is lost (line 11) never holds beside the rest of the rule", id="idle alternative",
        ),
        pytest.param(
            "churn_rescue", "at_least: 40000}", "at_least: 200000}",
            "offer rescue_20_yuan is never reached: nobody left in the audience meets its when", id="rung nobody comes to",
        ),
        pytest.param(
            "low_cost_care", "is: marginal}\n    - {attribute: service_tier", "in: []}\n    - {attribute: service_tier",
            "low_cost_care.yml:9: audience.all.0.in: [] should be non-empty", id="in nothing",
        ),
        pytest.param(
            "low_cost_care", "attribute: value_class, is: marginal", "attribute: value_class, in: [margin, marginal]",
            "value_class: has no value margin; did you mean marginal?", id="in something unknown",
        ),
        pytest.param("low_cost_care", "month: 500", "month: -500", "low_cost_care.yml:25: budget.month: -500", id="negative budget"),
        pytest.param("low_cost_care", "month: 500", "month: 500, day: 600", "the budget of a day is above", id="day above month"),
        pytest.param("low_cost_care", "{month: 500}", "{mounth: 500}", "budget has no mounth; did you mean month?", id="budget of what"),
        pytest.param("welcome", "of: mean_order_value_minor_365d", "of: mean_order_value_365d",
                     "mean_order_value_365d is no amount of the catalogue; did you mean mean_order_value_minor_365d?",
                     id="expected of what"),
        pytest.param("growth_upgrade", "{attribute: net_minor_365d, at", "{attribute: net_365d, at",
                     "net_365d is no number of the catalogue; did you mean net_minor_365d?", id="minimum value of what"),
        pytest.param("holiday", "valid_days: 8", "valid_days: 8\nobserve_from: 2027-02-01\nobserve_until: 2027-01-01",
                     "the play ends on 2027-01-01, before it starts on 2027-02-01", id="ends before it starts"),
        pytest.param("holiday", "valid_days: 8", "valid_days: 8\nobserve_from: 2027-02-30",
                     "observe_from is no day of the calendar: 2027-02-30", id="no such day"),
        pytest.param("holiday", "details: [holiday, days_to_holiday]", "details: [holiday, city]",
                     "city is a protected attribute", id="protected detail"),
        pytest.param("holiday", "not_in: [prospect, lost]}", "not_in: [prospect, lost]}\n    - {attribute: geographic_tags, has: city_tier_1}",
                     "holiday.yml:10: geographic_tags is a protected attribute", id="where somebody lives, as a tag"),
        pytest.param("holiday", "not_in: [prospect, lost]}", "not_in: [prospect, lost]}\n    - {attribute: crm_tags, is: vip}",
                     "crm_tags: takes has or has_any, is does not apply", id="tags are several"),
        pytest.param("holiday", "amount: 10", "percent: 10", "offer holiday_10_yuan is a coupon and names no amount", id="coupon of what"),
        pytest.param("detractor_follow_up", "due_days: 2", "due_days: 20", "the task is due after 20 days", id="due too late"),
        pytest.param("holiday", "en: Holiday", "en: Low income holiday", "holiday.yml:3", id="a name that says too much"),
        pytest.param("holiday", "period: event", "period: fortnight", "holiday.yml:21: period", id="unknown period"),
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


def test_a_company_adds_replaces_and_takes_out_plays_without_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beside the shipped plays: one file of one's own, one in the place of a shipped one, one taken out, one that is wrong."""
    monkeypatch.setenv("RETENTION_PLAYS_DIR", str(tmp_path))
    text = (PLAYS_DIR / "holiday.yml").read_text(encoding="utf-8")
    own = text.replace("play: holiday", "play: trade_fair").replace("content_key: holiday", "content_key: trade_fair")
    (tmp_path / "trade_fair.yml").write_text(own, encoding="utf-8")
    (tmp_path / "holiday.yml").write_text(text.replace("priority: 45", "priority: 46"), encoding="utf-8")
    welcome = (PLAYS_DIR / "welcome.yml").read_text(encoding="utf-8")
    (tmp_path / "welcome.yml").write_text(welcome + "enabled: false\n", encoding="utf-8")
    (tmp_path / "typo.yml").write_text(own.replace("play: trade_fair", "play: typo\nbudgett: {day: 5}"), encoding="utf-8")
    plays, problems = campaigns.check_plays()
    assert {play.name for play in plays} == SHIPPED - {"welcome"} | {"trade_fair"}
    assert {play.name: play.priority for play in plays}["holiday"] == 46
    assert problems == ["typo.yml:3: play has no budgett; did you mean budget?"] == campaigns.play_problems()
    monkeypatch.setenv("RETENTION_PLAYS_DIR", str(tmp_path / "nowhere"))
    assert "which is no folder" in campaigns.play_problems()[0]


def test_the_play_of_the_documentation_is_right(tmp_path: Path) -> None:
    text = (PROJECT_ROOT / "docs" / "plays.md").read_text(encoding="utf-8")
    (tmp_path / "trade_fair.yml").write_text(text.partition("```yaml\n")[2].partition("```")[0], encoding="utf-8")
    plays, problems = campaigns.check_plays(tmp_path)
    assert problems == []
    assert plays[0].budget == Budget(300, 4000)
    assert (plays[0].observe_from, plays[0].observe_until) == (date(2027, 3, 1), date(2027, 3, 20))
    assert plays[0].uses_profiling, "the message shows what is predicted"


def test_asking_for_problems_imports_nothing_heavy() -> None:
    """Whoever parses DAG files may ask: no model, no calendar is loaded for it."""
    code = (
        "import sys; from retention.campaigns.plays import play_problems; assert play_problems() == []; "
        "print([name for name in ('sklearn', 'holidays', 'lunardate', 'scipy', 'airflow') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_condition_never_holds_for_whom_nothing_is_known(tmp_path: Path) -> None:
    """``not`` takes in the unknown, ``is_not`` does not: only the first can meet somebody of whom nothing is known."""
    rule = "{attribute: nps_score, is_known: false}"
    text = (PLAYS_DIR / "holiday.yml").read_text(encoding="utf-8")
    for clause, is_possible in (
        ("not: {attribute: nps_score, at_least: 9}", True),
        ("{attribute: nps_score, less_than: 9}", False),
    ):
        (tmp_path / "holiday.yml").write_text(
            text.replace("  all:\n", f"  all:\n    - {rule}\n    - {clause}\n"), encoding="utf-8"
        )
        assert (campaigns.check_plays(tmp_path)[1] == []) is is_possible


PERIODS = (
    ("once", "2026-04-01", "once"), ("week", "2027-01-01", "2026-W53"), ("month", "2026-04-01", "2026-04"),
    ("quarter", "2026-04-01", "2026-Q2"), ("quarter", "2026-03-31", "2026-Q1"), ("year", "2026-04-01", "2026"),
    ("days:14", "2000-01-14", "2000-01-01+14"), ("days:14", "2000-01-15", "2000-01-15+14"), ("days:1", "2026-04-01", "2026-04-01+1"),
)  # fmt: skip


def test_periods_are_one_in_python_and_sql(tmp_path: Path, warehouse: Warehouse) -> None:
    from retention.campaigns.candidates import period_of

    text = (PLAYS_DIR / "low_cost_care.yml").read_text(encoding="utf-8")
    for period, on, key in PERIODS:
        (tmp_path / "low_cost_care.yml").write_text(text.replace("period: quarter", f"period: {period}"), encoding="utf-8")
        play, day = campaigns.load_plays(tmp_path)[0], date.fromisoformat(on)
        assert play.period_key(day) == key
        with warehouse.connect() as connection:
            assert connection.execute(sa.text(f"select {period_of(play)}"), {"as_of_date": day}).scalar_one() == key


def test_a_play_begins_and_ends_on_its_days(tmp_path: Path, warehouse: Warehouse) -> None:
    from retention.campaigns.candidates import matching
    from retention.campaigns.conditions import Binds

    text = (PLAYS_DIR / "prospect_nurture.yml").read_text(encoding="utf-8")
    text = text.replace("{attribute: lifecycle_stage, is: prospect}", "{attribute: is_reachable, is: true}")
    text = text.replace("trigger: {attribute: days_since_member, between: [1, 365]}\n", "")
    text += "observe_from: 2027-03-01\nobserve_until: 2027-03-20\n"
    (tmp_path / "prospect_nurture.yml").write_text(text, encoding="utf-8")
    binds = Binds("play")
    query = sa.text(
        f"select {matching(campaigns.load_plays(tmp_path)[0], binds)} from (select true as is_reachable) as attributes"
    )
    found = {}
    with warehouse.connect() as connection:
        for day in (date(2027, 2, 28), date(2027, 3, 1), date(2027, 3, 20), date(2027, 3, 21)):
            found[day.isoformat()] = connection.execute(query, {**binds.values, "as_of_date": day}).scalar_one()
    assert found == {"2027-02-28": False, "2027-03-01": True, "2027-03-20": True, "2027-03-21": False}


@pytest.mark.parametrize(
    ("today", "code", "on"),
    [
        ("2026-12-31", "new_year", "2027-01-01"), ("2026-01-02", "spring_festival", "2026-02-17"),
        ("2026-02-17", "spring_festival", "2026-02-17"), ("2026-02-18", "lantern_festival", "2026-03-03"),
        ("2025-06-01", "qixi_festival", "2025-08-29"),  # 2025 repeats the sixth lunar month
        ("2026-05-02", "mothers_day", "2026-05-10"), ("2026-10-02", "double_ninth_festival", "2026-10-18"),
        ("2026-09-01", "mid_autumn_festival", "2026-09-25"), ("2026-04-06", "labour_day", "2026-05-01"),
    ],
)  # fmt: skip
def test_holidays_of_both_calendars(today: str, code: str, on: str) -> None:
    found = next_holiday(date.fromisoformat(today))
    assert found is not None
    assert (found.code, found.on.isoformat()) == (code, on)


def test_a_holiday_that_is_no_day_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "holidays.yml"
    path.write_text("fair: {gregorian: '05-01', lunar: '05-05', en: Fair, zh: 集市}", encoding="utf-8")
    with pytest.raises(ValueError, match=r"holidays.yml: fair needs en, zh and one of gregorian, lunar, weekday, statutory"):
        next_holiday(date(2026, 1, 1), path)


def test_layout_does_not_change_the_hash(tmp_path: Path) -> None:
    before = {play.name: play.content_hash for play in campaigns.load_plays()}["birthday"]
    text = (PLAYS_DIR / "birthday.yml").read_text(encoding="utf-8")
    (tmp_path / "birthday.yml").write_text("# a remark\n" + text, encoding="utf-8")
    assert campaigns.load_plays(tmp_path)[0].content_hash == before
    (tmp_path / "birthday.yml").write_text(text.replace("priority: 40", "priority: 41"), encoding="utf-8")
    assert campaigns.load_plays(tmp_path)[0].content_hash != before


def test_values_never_become_part_of_the_statement(tmp_path: Path) -> None:
    """A text from a play file travels as a bound value, whatever it says."""
    from retention.campaigns.candidates import matching, terms_of
    from retention.campaigns.conditions import Binds
    from retention.settings import CompanySettings

    text = (PLAYS_DIR / "welcome.yml").read_text(encoding="utf-8")
    hostile = "x'); drop table core.customer; --"
    changed = text.replace("{attribute: lifecycle_stage, is: new}", f'{{attribute: occupation, is: "{hostile}"}}')
    (tmp_path / "welcome.yml").write_text(changed, encoding="utf-8")
    play, binds = campaigns.load_plays(tmp_path)[0], Binds("play")
    statement = matching(play, binds) + terms_of(play.ladder[0], CompanySettings(), binds)
    assert hostile not in statement
    assert hostile in binds.values.values()


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


def test_a_reason_is_said_once_however_often_its_attribute_is_asked_about() -> None:
    renewal = next(play for play in campaigns.load_plays() if play.name == "renewal")
    binds = Binds("reason")
    reasons(renewal.condition, binds, "en", "CNY", 2)
    assert list(binds.values.values()).count("days to the renewal: ") == 1
