"""Control groups: the draw is the same in both languages, in step with the tiers, and stays as it was."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from retention.campaigns.conditions import Binds
from retention.campaigns.holdout import UNIVERSAL, bucket, bucket_sql, universal_period
from retention.campaigns.plays import Play, load_plays
from retention.campaigns.stratifying import (
    Draw,
    fit_plays,
    fit_universal,
    fitted_threshold,
    keep_draws,
    period_of_draw,
    read_draws,
    threshold_records,
    universal_threshold_sql,
)
from retention.settings import Settings
from retention.settings_campaigns import CampaignSettings
from retention.warehouse import Run, Warehouse
from tests.retention.campaigns.conftest import KEYS, Company, settings

SALT = "retention-holdout-v1"
# As in docs/control-groups.md.
PUBLISHED = [
    ((SALT, "win_back", "2026-03", 1), 0.4090769352955619),
    ((SALT, "win_back", "2026-04", 1), 0.8822101520771763),
    ((SALT, "welcome", "once", 1), 0.5799639277560795),
    ((SALT, "birthday", "2026-03-31", 9_223_372_036_854_775_807), 0.6111174358405875),
    ((SALT, "*", "2026", 1), 0.8851599332979212),
    ((SALT, "*", "2026", 42), 0.21868506993542725),
    (("盐", "win_back", "2026-03", -7), 0.8261577114268039),
]
AS_OF = date(2026, 4, 1)


def test_published_vectors_in_both_languages(warehouse: Warehouse) -> None:
    expression = bucket_sql(":salt", "cast(:play as text)", "cast(:period as text)", "cast(:key as bigint)")
    with warehouse.connect() as connection:
        for (salt, play, period, key), place in PUBLISHED:
            assert bucket(salt, play, period, key) == place
            binds = {"salt": salt, "play": play, "period": period, "key": key}
            assert connection.execute(sa.text(f"select {expression}"), binds).scalar_one() == place


def test_a_year_draws_the_universal_group_anew() -> None:
    assert (universal_period(date(2026, 12, 31)), universal_period(date(2027, 1, 1))) == ("2026", "2027")


@given(
    st.lists(st.floats(0, 1, exclude_max=True), min_size=1, max_size=60, unique=True),
    st.floats(0.01, 0.5),
    st.floats(0, 1, exclude_max=True),
)
def test_a_threshold_holds_back_its_share_exactly(places: list[float], share: float, rounding: float) -> None:
    threshold, controls = fitted_threshold(sorted(places), len(places), share, rounding)
    assert sum(place < threshold for place in places) == controls
    assert abs(controls - share * len(places)) < 1


def test_a_threshold_stays_at_the_share_where_that_is_exact_already() -> None:
    """Whoever comes later is then drawn by the plain share."""
    assert fitted_threshold([0.05, 0.4, 0.6, 0.8], 4, 0.25, 0.9) == (0.25, 1)
    assert fitted_threshold([0.3, 0.4, 0.6, 0.8], 4, 0.25, 0.9)[1] == 1  # nobody below the share: the nearest is taken
    assert fitted_threshold([0.1, 0.2, 0.6, 0.8], 4, 0.25, 0.9) == (0.2, 1)  # two below: the second is let go


def test_what_is_over_is_rounded_by_chance() -> None:
    """Of fifteen a tenth is one and a half: one where the hash says so, else two."""
    places = [number / 100 for number in range(15)]
    assert fitted_threshold(places, 15, 0.1, rounding=0.49)[1] == 2
    assert fitted_threshold(places, 15, 0.1, rounding=0.5)[1] == 1


# A thousand people in two tiers, as tables that have what the draw reads. --------------------------------------------------


@dataclasses.dataclass
class People:
    """Staging tables of a day: Win-back is the first play, its contenders are everybody."""

    run: Run
    plays: list[Play]

    def ask(self, query: str) -> list[Any]:
        with self.run.warehouse.connect() as connection:
            return [tuple(row) for row in connection.execute(sa.text(query))]

    def do(self, statement: str, **binds: Any) -> None:
        with self.run.warehouse.begin() as connection:
            connection.execute(sa.text(statement), binds)

    def controls(self) -> dict[str, tuple[int, int]]:
        """By tier, customers and control."""
        rows = self.ask(
            "select attributes.service_tier, count(*), count(*) filter (where contender.is_control) from staging.contenders "
            "as contender inner join staging.people as attributes on contender.customer_key = attributes.customer_key group by 1"
        )
        return {tier: (customers, controls) for tier, customers, controls in rows}

    def fit(self) -> dict[tuple[str, str], Draw]:
        draws = read_draws(self.run, self.plays)
        fit_plays(self.run, self.plays, "staging.contenders", "staging.people", draws)
        return draws


@pytest.fixture
def people(make_run: Callable[..., Run]) -> People:
    run = make_run(settings=Settings())
    (win_back,) = (play for play in load_plays() if play.name == "win_back")
    made = People(run, [win_back])
    made.do(
        "create table staging.people as select cast(:day as date) as as_of_date, number as customer_key, "
        "case when number <= 370 then 'vip' when number <= 990 then 'ordinary' end as service_tier, "
        "number > 1000 as is_test, false as is_staff from generate_series(cast(1 as bigint), 1010) as number",
        day=AS_OF,
    )
    place = bucket_sql(":salt", "'win_back'", "'2026-04'", "customer_key")
    made.do(
        "create table staging.contenders as select as_of_date, customer_key, cast(1 as smallint) as position, '2026-04' as "
        f"period_key, 'exempt' as verdict, {place} as holdout_bucket, {place} < 0.1 as is_control from staging.people "
        "where not is_test",
        salt=SALT,
    )
    return made


def test_each_tier_holds_back_exactly_its_share(people: People) -> None:
    """The hash alone holds back a tenth on average only; ten people without a tier stay with it."""
    drawn_by_hash = people.controls()
    draws = people.fit()
    controls = people.controls()
    assert controls["vip"] == (370, 37)
    assert controls["ordinary"] == (620, 62)
    assert drawn_by_hash["vip"] != (370, 37)
    assert set(draws) == {("win_back", "vip"), ("win_back", "ordinary")}
    assert draws["win_back", "vip"].controls == 37
    recomputed = sum(bucket(SALT, "win_back", "2026-04", key) < draws["win_back", "vip"].threshold for key in range(1, 371))
    assert recomputed == 37


def test_thresholds_are_kept_for_the_period(people: People) -> None:
    """Planned again, also with other people: nobody who is there both times changes sides."""
    draws = people.fit()
    with people.run.warehouse.begin() as connection:
        keep_draws(connection, people.run, draws.values())
    assert read_draws(people.run, people.plays) == draws
    before = set(people.ask("select customer_key from staging.contenders where is_control"))
    people.do("delete from staging.contenders where customer_key % 3 = 0")
    people.fit()
    after = set(people.ask("select customer_key from staging.contenders where is_control"))
    assert after == {key for key in before if key[0] % 3}
    records = threshold_records(draws, people.plays)
    assert f'"threshold": {draws["win_back", "vip"].threshold}' in records
    assert '"position": 1' in records


def test_another_salt_or_share_does_not_use_them(people: People) -> None:
    with people.run.warehouse.begin() as connection:
        keep_draws(connection, people.run, people.fit().values())
    other_share = [dataclasses.replace(people.plays[0], holdout_share=0.2)]
    assert read_draws(people.run, other_share) == {}
    salted = dataclasses.replace(
        people.run, settings=Settings(campaigns=dataclasses.replace(CampaignSettings(), holdout_salt="another"))
    )
    assert read_draws(salted, people.plays) == {}


def test_who_is_on_record_as_control_stays_so(people: People) -> None:
    """A new share or threshold lets go of nobody who was held back before in the period; also after a merge."""
    drawn = [
        key for (key,) in people.ask("select customer_key from staging.contenders where is_control and customer_key <= 370")
    ]
    people.do(
        "insert into campaigns.holdout (play, period_key, customer_key, bucket, share, assigned_on) "
        "select 'win_back', '2026-04', key, 0.01, 0.1, :day from unnest(cast(:keys as bigint[])) as key",
        keys=drawn, day=AS_OF,
    )  # fmt: skip
    people.fit()
    still = {key for (key,) in people.ask("select customer_key from staging.contenders where is_control")}
    assert set(drawn) <= still


def test_few_people_are_drawn_by_the_plain_share(people: People) -> None:
    people.do("delete from staging.contenders where customer_key > 199 and customer_key <= 370")
    assert set(people.fit()) == {("win_back", "ordinary")}


def test_the_universal_group_is_drawn_from_customers_by_tier(people: People) -> None:
    """A twentieth of each tier; the ten test accounts are not counted."""
    draws: dict[tuple[str, str], Draw] = {}
    fit_universal(people.run, "staging.people", draws)
    assert {tier: (draw.customers, draw.controls) for (_, tier), draw in draws.items()} == {
        "vip": (370, 18 if bucket(SALT, UNIVERSAL, "2026|vip", 0) >= 0.5 else 19),
        "ordinary": (620, 31),
    }
    binds = Binds("universal")
    threshold = universal_threshold_sql(draws, people.run, binds)
    place = bucket_sql(":salt", "'*'", "'2026'", "attributes.customer_key")
    with people.run.warehouse.connect() as connection:
        rows = connection.execute(
            sa.text(
                f"select service_tier, count(*) from staging.people as attributes where {place} < {threshold} "
                "and customer_key <= 990 group by 1"
            ),
            {"salt": SALT, **binds.values},
        )
        assert {row[0]: row[1] for row in rows} == {tier: draw.controls for (_, tier), draw in draws.items()}
    fit_universal(people.run, "staging.people", draws)  # known already: nothing is drawn again
    assert len(draws) == 2


def test_without_a_universal_share_there_is_no_group(people: People) -> None:
    none = dataclasses.replace(people.run, settings=settings())
    draws: dict[tuple[str, str], Draw] = {}
    fit_universal(none, "staging.people", draws)
    assert draws == {}


def test_periods_of_draws() -> None:
    periods = {play.name: period_of_draw(play, AS_OF) for play in load_plays()}
    assert (periods["win_back"], periods["welcome"], periods["birthday"]) == ("2026-04", "once", "always")


# In the plan -----------------------------------------------------------------------------------------------------------------


def test_the_universal_group_gets_no_promotion_but_what_it_is_owed(staffed: Company) -> None:
    """Of ten people the salt draws some; what they lose are promotions, not service and calls. It is kept for the year."""
    share, year = 0.4, universal_period(staffed.as_of_date)
    drawn = {name for name, key in KEYS.items() if bucket(SALT, UNIVERSAL, year, key) < share}
    staffed.settings = settings(universal_control_share=share)
    before = _planned(staffed, 0.0)
    after = _planned(staffed, share)
    promotional = {play.name for play in load_plays(staffed.plays_dir) if play.kind == "promotional"}
    lost = {pair for pair, state in before.items() if state == "selected"} - {
        pair for pair, state in after.items() if state == "selected"
    }
    assert lost == {
        (play, name) for play, name in before if before[play, name] == "selected" and play in promotional and name in drawn
    }
    kept = staffed.ask("select customer_key from campaigns.holdout where play = '*' and period_key = :year", year=year)
    assert {key for (key,) in kept} == {KEYS[name] for name in drawn}
    # A smaller share lets nobody go within the year.
    assert {pair for pair, state in _planned(staffed, 0.000_001).items() if state == "selected"} == {
        pair for pair, state in after.items() if state == "selected"
    }


def _planned(company: Company, share: float) -> dict[tuple[str, str], str]:
    company.settings = settings(universal_control_share=share)
    company.plan()
    return dict(company.decisions("state"))
