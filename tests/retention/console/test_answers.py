"""What the console answers: small groups hidden, empty states that say what to do, and everything that waits for somebody."""

from __future__ import annotations

import json
import re
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from retention.console import Console, Refused
from retention.console.kpis import _unbroken
from retention.console.models import _lift, _reliability
from retention.console.overview import freshness
from retention.console.pushes import answerable
from retention.console.shapes import EMPTY_RUNBOOK, ERROR_RUNBOOK
from retention.settings import PROJECT_ROOT, Settings
from retention.warehouse import Warehouse, sql_file, statement
from tests.retention.console.conftest import ANA, BO, DAY, ITEM, LIN, SECRETS, at, attempt, publish
from tests.retention.privacy.conftest import insert

PAGES = ("kpis", "customers", "plays", "programme", "models", "quality", "health", "complaints", "pushes")


def kinds(console: Console) -> dict[str, dict[str, Any]]:
    """What waits for somebody, by kind."""
    console._memory._kept.clear()
    return {item["kind"]: item for item in console.overview(console.waiting()).data["attention"]}


# -- nothing yet ------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("page", PAGES)
def test_before_anything_has_happened_every_page_says_what_to_do(blank: Console, page: str) -> None:
    answered = getattr(blank, page)()
    found: list[dict[str, Any]] = []

    def look(node: Any) -> None:
        if isinstance(node, dict):
            assert node.get("state") != "error", node
            if node.get("state") == "empty":
                found.append(node)
            for inner in node.values():
                look(inner)
        elif isinstance(node, list):
            for inner in node:
                look(inner)

    look(answered.data)
    assert page == "pushes" or found
    assert all(item[f"{text}_{language}"] for item in found for text in ("message", "what_to_do") for language in ("en", "zh"))


def test_the_first_view_of_a_new_installation(blank: Console) -> None:
    data = blank.overview(blank.waiting()).data
    assert (data["freshness"]["state"], data["attention"], data["kpis"]) == ("never", [], [])
    assert {stage["state"] for stage in data["stages"]} == {"never"}


def test_a_play_that_nobody_planned_is_unknown(console: Console) -> None:
    assert console.play("welcome").data["label"] == {"en": "Welcome", "zh": "欢迎"}
    with pytest.raises(Refused, match="unknown_play"):
        console.play("welcom")
    with pytest.raises(Refused, match="wrong_parameter"):
        console.kpis(period="week")


# -- figures ----------------------------------------------------------------------------------------------------------------
def test_a_kpi_comes_with_what_it_was_and_the_way_there(console: Console) -> None:
    """1,000 the day before, 900 on the last; the day before that three people only, so its value is hidden."""
    (kpi,) = console.overview([]).data["kpis"]
    assert (kpi["value"], kpi["previous"], kpi["change"], kpi["unit"], kpi["better"]) == (
        900.0,
        1000.0,
        -100.0,
        "money_minor",
        "up",
    )
    assert [point["value"] for point in kpi["trend"]] == [None, 1000.0, 900.0]
    assert kpi["month"] == {
        "period_start": "2026-03-01",
        "value": 900.0,
        "previous": None,
        "previous_start": None,
        "is_complete": True,
    }


def test_late_data_restate_the_past_visibly(company: Warehouse, console: Console) -> None:
    """1,000 was published for the day before the last; an order that came late makes it 1,100."""
    day = DAY - timedelta(days=1)
    insert(company, "bi.kpi_restatement", {"as_of_date": DAY, "measured_as_of": day, "kpi": "net_revenue", "period": "day",
                                           "period_start": day - timedelta(days=1), "dimension": "all", "member": "all",
                                           "numerator": 1100.0, "denominator": 1.0, "value": 1100.0, "customers": 21})  # fmt: skip
    data = console.kpis().data
    (member,) = data["kpis"][0]["members"]
    points = {point["date"]: (point["value"], point["first_value"], point["is_restated"]) for point in member["points"]}
    assert points["2026-03-30"] == (1100.0, 1000.0, True)
    assert points["2026-03-31"] == (900.0, None, False)
    (restated,) = data["restated"]
    assert (restated["change"], restated["restated_at"]) == (100.0, "2026-04-01")


def test_a_line_has_no_holes() -> None:
    """Of days longer ago only the first of each month is kept."""
    days = [date(2026, 1, 1), date(2026, 2, 1), date(2026, 3, 1), date(2026, 3, 3), date(2026, 3, 4)]
    assert [point["period_start"] for point in _unbroken([{"period_start": day} for day in days])] == days[2:]
    assert _unbroken([]) == []


def test_groups_are_counted_whole_and_without_test_accounts(company: Warehouse) -> None:
    """Thirteen customers of 100.00 predicted value who leave with 0.7: 910.00 at risk. Kai is nobody."""
    query = sql_file("bi/group_profile_value").replace("from kpi.labels", f"from ({sql_file('bi/_kpi_labels')})")
    with company.connect() as connection:
        rows = connection.execute(*statement(query, {"as_of_date": DAY})).mappings().all()
    found = {(row["grouping"], row["member"], row["part"]): row for row in rows}
    everybody = found["all", "all", "all"]
    assert (everybody["customers"], everybody["purchasers"], everybody["at_risk_customers"]) == (13, 13, 1)
    assert (everybody["clv_12m_minor"], everybody["value_at_risk_minor"]) == (130_000, 91_000)
    assert everybody["mean_churn_probability"] == pytest.approx(0.7)
    assert [found["tier", tier, "all"]["customers"] for tier in ("vip", "ordinary")] == [1, 12]
    assert [found["rfm_cell", "5-4", part]["customers"] for part in ("all", "3")] == [13, 13]
    assert found["rfm_cell", "5-4", "all"]["rfm_segment"] == "loyal"
    assert found["tier_stage", "vip", "loyal"]["customers"] == 1


def test_small_groups_are_hidden(console: Console) -> None:
    """One VIP; twelve in one field of the map, one in another, and the next smallest is hidden with it: 40 stay."""
    data = console.customers().data
    fields = {(cell["recency"], cell["frequency"]): cell["customers"] for cell in data["rfm_map"]["cells"]}
    assert fields == {(5, 4): None, (2, 2): 40, (1, 1): None}
    tiers = {tier["member"]: tier["customers"] for tier in data["groups"]["tier"]["members"]}
    assert tiers["vip"] is None
    rules = {rule["rule"]: rule["first"] for rule in console.play("welcome").data["exclusions"]["rules"]}
    assert rules == {"no_consent": 11, "complaint_hold": None}
    assert '"customers": 1,' not in json.dumps(data)


def test_without_hiding_the_single_vip_would_show(company: Warehouse, console: Console) -> None:
    with company.begin() as connection:
        connection.execute(sa.text("update bi.setting set value = '1' where name = 'suppressed_group_size'"))
    try:
        tiers = {tier["member"]: tier["customers"] for tier in console.customers().data["groups"]["tier"]["members"]}
        assert tiers["vip"] == 1
    finally:
        with company.begin() as connection:
            connection.execute(sa.text("update bi.setting set value = '10' where name = 'suppressed_group_size'"))


def test_an_answer_is_computed_once_until_something_is_published(company: Warehouse, console: Console) -> None:
    first = console.customers()
    assert console.customers().data is first.data
    publish(company, "bi.play_effect", published_at=at("2026-04-01 03:00"))
    console._memory._version = None
    assert console.customers().data is not first.data


def test_lift_is_what_is_found_among_the_highest_scores() -> None:
    """Ten of a hundred hold nine of the twelve who left: three quarters in the first tenth, seven and a half times the average."""
    rows = [{"state": "matured", "bucket": bucket, "customers": people, "predicted_mean": predicted, "realised_mean": left}
            for bucket, people, predicted, left in ((8, 10, 0.85, 0.9), (0, 90, 0.03, 1 / 30))]  # fmt: skip
    groups = _lift("churn", rows)["groups"]
    assert [(round(group["share"], 3), round(group["captured"], 3), round(group["lift"], 3)) for group in groups] == [
        (0.1, 0.75, 7.5), (1.0, 1.0, 1.0),
    ]  # fmt: skip
    shown = _reliability("churn", {"churn": [{**row, "scored_as_of": DAY, "matures_on": DAY} for row in rows]}, {})
    assert shown["error"] == pytest.approx((10 * 0.05 + 90 * abs(0.03 - 1 / 30)) / 100)


@pytest.mark.parametrize(
    ("now", "newest", "state", "behind"),
    [
        pytest.param("2026-04-01 15:00", date(2026, 4, 1), "fresh", 0, id="the day is in"),
        pytest.param("2026-04-01 17:00", date(2026, 4, 1), "fresh", 1, id="one at night: the next day is being worked on"),
        pytest.param("2026-04-02 01:00", date(2026, 4, 1), "late", 1, id="nine in the morning, and it is not in"),
        pytest.param("2026-04-02 17:00", date(2026, 4, 1), "late", 2, id="two days"),
        pytest.param("2026-04-01 15:00", None, "never", None, id="nothing yet"),
    ],
)
def test_a_nights_work_is_not_late_and_a_missing_morning_is(
    now: str, newest: date | None, state: str, behind: int | None
) -> None:
    found = freshness(Settings(), datetime.fromisoformat(now).replace(tzinfo=UTC), newest)
    assert (found["state"], found["days_behind"]) == (state, behind)


# -- what waits for somebody ------------------------------------------------------------------------------------------------
def test_whatever_waits_for_somebody_is_said_and_goes_when_it_is_done(company: Warehouse, console: Console) -> None:
    """A failed stage, a dead one, a complaint past its clock, refused rows, a table behind an earlier day, a held push."""
    before = set(kinds(console))
    business = DAY - timedelta(days=1)
    attempt(
        company,
        "scores",
        "failed",
        business,
        "2026-03-31 17:00",
        message="scores 2026-03-31: 3 rows expected. Nothing published.",
    )
    attempt(company, "segments", "running", business, "2026-03-31 17:30", token=4)
    insert(
        company,
        "ops.complaint_breach",
        {"clock": "acknowledge", "state": "open", "due_at": at("2026-03-31 02:00"), "team": "east"},
    )
    insert(company, "quarantine.row", {"state": "open", "row": '{"name": "Ana Ruiz"}', "severity": "quarantine"})
    publish(company, "features.customer_orders", is_stale=True)
    found = kinds(console)
    assert {"run_failed", "run_died", "complaint_over_clock", "quarantine", "stale_slice"} <= found.keys() - before
    assert "3 rows expected" in found["run_failed"]["what_to_do"]["en"]
    assert "评分" in found["run_failed"]["title"]["zh"]
    assert found["complaint_over_clock"]["since"] == "2026-03-31T02:00:00Z"
    assert "Ana" not in json.dumps(found)
    headings = set(re.findall(r"^## ([a-z-]+)$", (PROJECT_ROOT / "docs" / "runbook.md").read_text(), re.MULTILINE))
    assert {item["runbook"] for item in found.values()} | {EMPTY_RUNBOOK, ERROR_RUNBOOK} <= headings

    attempt(company, "scores", "published", business, "2026-03-31 18:00")
    attempt(company, "segments", "published", business, "2026-03-31 18:00")
    with company.begin() as connection:
        connection.execute(sa.text("update ops.complaint_breach set state = 'closed'"))
        connection.execute(sa.text("update quarantine.\"row\" set state = 'discarded'"))
        connection.execute(sa.text("delete from ops.published where is_stale"))
    assert set(kinds(console)) == before


@pytest.fixture
def held(company: Warehouse) -> int:
    """A push that held back two counts of win-back; returns its token."""
    for measure, count, allowed in (("size", 70, 60), ("joins", 20, 10)):
        insert(company, "campaigns.guard_stop",
               {"business_date": DAY, "run_id": "manual__1", "token": 9, "play": "win_back", "measure": measure, "cause": "budget",
                "found": count, "allowed": allowed, "stopped_at": at("2026-04-01 01:00")})  # fmt: skip
    yield 9
    with company.begin() as connection:
        connection.execute(sa.text("delete from campaigns.guard_stop"))
        connection.execute(sa.text("delete from campaigns.push_receipt"))


def test_a_held_push_is_shown_with_counts_until_a_later_one_settles_it(company: Warehouse, console: Console, held: int) -> None:
    (item,) = console.waiting()
    assert (item["id"], item["asked_at"]) == ("manual__1", "2026-04-01T01:00:00Z")
    assert item["excess"][1]["sentence"]["en"] == "win_back: size 70, allowed 60 (more than allowed)"
    assert "push_waiting" in kinds(console)
    other = {**item}
    with company.begin() as connection:
        connection.execute(sa.text("update campaigns.guard_stop set found = 71 where measure = 'size'"))
    console._memory._kept.clear()
    assert console.waiting()[0]["version"] != other["version"], "an approval is for the counts that were shown"
    insert(company, "campaigns.push_receipt", {"business_date": DAY, "token": held, "sync_id": 5})
    console._memory._kept.clear()
    assert console.waiting(), "the receipt of the push itself settles nothing"
    insert(company, "campaigns.push_receipt", {"business_date": DAY, "token": held + 1, "sync_id": 6})
    console._memory._kept.clear()
    assert console.waiting() == []


@pytest.mark.parametrize(
    ("run_id", "question", "may", "can", "words"),
    [
        ("manual__1", {"answered_by": None}, True, True, None),
        ("manual__1", {"answered_by": None}, False, False, "not answer"),
        ("manual__1", {"answered_by": "uma", "answer": "reject"}, True, False, "uma answered: rejected"),
        ("manual__1", None, True, False, "not asked yet"),
        ("cli__2026-04-01__ab", None, True, False, "retention audience approve --date 2026-04-01"),
    ],
    ids=["open", "no right", "answered", "not asked", "command line"],
)
def test_who_may_answer_and_why_not(run_id: str, question: Any, may: bool, can: bool, words: str | None) -> None:
    asked = None if question is None else {"asked_at": None, "answer_by": None, "answer": "approve", **question}
    item = {"id": run_id, "business_date": "2026-04-01", "asked_at": "x", "can_answer": False, "why_not": None}
    found = answerable(item, asked, may_answer=may)
    assert found["can_answer"] is can
    assert words is None or words in found["why_not"]["en"]


# -- one customer -----------------------------------------------------------------------------------------------------------
def looks(company: Warehouse) -> list[tuple[str, str, str]]:
    with company.connect() as connection:
        rows = connection.execute(
            sa.text("select actor, action, subject from ops.audit where action like 'console%' order by audit_id")
        )
        return [tuple(row) for row in rows]


def test_one_customer_without_a_word_that_tells_who_it_is(company: Warehouse, console: Console) -> None:
    data = console.customer(str(ANA), "wu").data
    told = json.dumps(data, ensure_ascii=False)
    assert [secret for secret in SECRETS if secret in told] == []
    assert data["profile"]["region"] is None, "one customer lives there"
    assert data["profile"]["service_tier"]["label"] == {"en": "VIP", "zh": "大客户"}
    assert data["scores"]["rows"][0]["value"] == 0.7
    assert data["scores"]["rows"][0]["reasons"][0]["sentence"] == {"en": "No order for 30 days.", "zh": "30 天未下单。"}
    assert [row["kind"] for row in data["timeline"]["rows"]] == ["complaint", "survey", "order"]
    assert data["next_best"]["rows"][0]["item"] == ITEM, "text of a source travels as it is: the page shows it as text"
    assert data["memberships"]["code"] == "not_planned_for"


def test_a_merged_record_leads_to_its_person(console: Console) -> None:
    data = console.customer(str(LIN), "wu").data
    assert (data["customer_key"], data["merged_from"]) == (str(ANA), str(LIN))


def test_every_look_is_on_record_before_anything_is_shown(company: Warehouse, console: Console) -> None:
    before = len(looks(company))
    console.customer(str(BO), "wu")
    with pytest.raises(Refused, match="unknown_customer"):
        console.customer("999999", "wu")
    console.refused_customer(str(ANA), "vic")
    console.refused_customer("Ana Ruiz", "vic")
    assert looks(company)[before:] == [
        ("wu", "console_customer", f"customer {BO}"),
        ("wu", "console_customer", "customer 999999"),
        ("vic", "console_customer_refused", f"customer {ANA}"),
        ("vic", "console_customer_refused", "customer not a key"),
    ]


def test_what_cannot_be_put_on_record_is_not_shown(company: Warehouse, console: Console) -> None:
    from retention.warehouse import RetentionError

    with company.begin() as connection:
        connection.execute(sa.text("revoke insert on ops.audit from ret_console"))
        connection.execute(sa.text("revoke insert (actor, action, subject, reason, details) on ops.audit from ret_console"))
    try:
        with pytest.raises(RetentionError, match="may not do this"):
            console.customer(str(ANA), "wu")
    finally:
        with company.begin() as connection:
            connection.execute(sa.text("grant insert (actor, action, subject, reason, details) on ops.audit to ret_console"))


@pytest.mark.parametrize("text", ["", "1 or 1=1", "9" * 19, "12e3", "１２", "../7", "-"])
def test_what_is_no_key_is_no_customer(console: Console, text: str) -> None:
    with pytest.raises(Refused, match="unknown_customer"):
        console.customer(text, "wu")


def test_nobody_reads_through_customers(company: Warehouse, console: Console, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two an hour: the third is refused and on record, somebody else's first is not."""
    from retention.console import answers

    monkeypatch.setattr(answers, "LOOKS_PER_HOUR", 2)
    assert console.customer(str(BO), "zoe").data["logged"]["looks_left"] == 1
    console.customer(str(ANA), "zoe")
    with pytest.raises(Refused, match="too_many_customers"):
        console.customer(str(BO), "zoe")
    assert looks(company)[-1] == ("zoe", "console_customer_refused", f"customer {BO}")
    assert console.customer(str(BO), "eve").data["customer_key"] == str(BO)
