"""The allocation against every combination tried one by one, against an exact solver, and what it says about those left out."""

from __future__ import annotations

import itertools
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse
from scipy.optimize import Bounds, LinearConstraint, milp

from retention.campaigns.allocation import Allocation, Budgets, Contenders, Verdict, allocate, dual, exact, primal, solve
from retention.campaigns.allocation.program import compile_program, tabulated
from retention.campaigns.errors import AllocationError

EMAIL, SMS = 0, 1
RESCUE, NUDGE, GREETING = 1, 2, 3


def contenders(*rows: tuple[Any, ...], **flags: Any) -> Contenders:
    """Rows of customer, play, channel, value, cost and perhaps priority."""
    columns = list(zip(*[(*row, 50) if len(row) == 5 else row for row in rows], strict=True)) or [()] * 6
    size = len(rows)
    return Contenders(
        customer=np.array(columns[0], np.int64),
        play=np.array(columns[1], np.int16),
        channel=np.array(columns[2], np.int8),
        value_minor=np.array(columns[3], float),
        cost_minor=np.array(columns[4], float),
        priority=np.array(columns[5], np.int16),
        is_top=np.array(flags.get("top", [False] * size), bool),
        is_held=np.array(flags.get("held", [False] * size), bool),
        is_control=np.array(flags["control"], bool) if "control" in flags else None,
    )


def limits(c: Contenders, budgets: Budgets) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """The limits written out a second time, plainly: use of each limit by each row, and what is left of it."""
    use, most = [], []
    for position, amount in budgets.play_minor.items():
        use.append(np.where(c.play == position, c.cost_minor, 0.0))
        most.append(amount)
    for position, amount in budgets.play_contacts.items():
        use.append(np.where(c.play == position, 1.0, 0.0))
        most.append(amount)
    for number, amount in budgets.channel_contacts.items():
        use.append(np.where(c.channel == number, 1.0, 0.0))
        most.append(amount)
    if budgets.total_minor is not None:
        use.append(c.cost_minor)
        most.append(budgets.total_minor)
    if budgets.rest_minor is not None:
        use.append(np.where(c.is_top, 0.0, c.cost_minor))
        most.append(budgets.rest_minor)
    return np.array(use).reshape(len(most), len(c)), np.array(most)


def is_allowed(c: Contenders, budgets: Budgets, chosen: np.ndarray[Any, Any]) -> bool:
    use, most = limits(c, budgets)
    return bool(np.all(use @ chosen <= most + 1e-6)) and np.bincount(c.customer[chosen], minlength=1).max() <= 1


def brute_force(c: Contenders, budgets: Budgets) -> float:
    """The best net margin of all combinations."""
    net = c.value_minor - c.cost_minor
    options = [
        [None, *(int(row) for row in np.flatnonzero((c.customer == who) & (c.value_minor >= 0) & (net >= 0)))]
        for who in np.unique(c.customer)
    ]
    best = 0.0
    for combination in itertools.product(*options):
        chosen = np.zeros(len(c), bool)
        chosen[[row for row in combination if row is not None]] = True
        if is_allowed(c, budgets, chosen):
            best = max(best, float(net[chosen].sum()))
    return best


def exact_milp(c: Contenders, budgets: Budgets) -> float:
    """The best net margin by HiGHS on the whole integer program."""
    net = c.value_minor - c.cost_minor
    use, most = limits(c, budgets)
    _, owner = np.unique(c.customer, return_inverse=True)
    solved = milp(
        -net,
        integrality=np.ones(len(c)),
        bounds=Bounds(0, ((net >= 0) & (c.value_minor >= 0)).astype(float)),
        constraints=[
            LinearConstraint(sparse.csr_array((np.ones(len(c)), (owner, np.arange(len(c))))), -np.inf, 1),
            LinearConstraint(use, -np.inf, most),
        ],
        options={"mip_rel_gap": 0},
    )
    return float(-solved.fun)


def random_case(
    seed: int, customers: int, plays: int = 6, tight: float = 0.3, few_values: bool = False
) -> tuple[Contenders, Budgets]:
    rng = np.random.default_rng(seed)
    each = rng.integers(1, 6, customers)
    customer = np.repeat(np.arange(customers), each)
    size = len(customer)
    if few_values:
        value, cost = rng.integers(1, 6, size) * 100.0, rng.integers(0, 3, size) * 20.0 + 5
    else:
        value, cost = rng.lognormal(6, 1.5, size), rng.choice([1.0, 5.0, 200.0, 1_000.0], size) + rng.random(size) * 50
    total = float(cost.sum() / 3 * tight)
    c = Contenders(
        customer, rng.integers(0, plays, size).astype(np.int16), rng.integers(0, 4, size).astype(np.int8), value, cost,
        rng.integers(1, 100, size).astype(np.int16), (rng.random(customers) < 0.2)[customer], np.zeros(size, bool),
    )  # fmt: skip
    budgets = Budgets(
        play_minor=dict.fromkeys(range(0, plays, 2), total / plays * 2),
        play_contacts=dict.fromkeys(range(1, plays, 3), customers / plays * 0.4),
        channel_contacts={EMAIL: customers * 0.2, SMS: customers * 0.1},
        total_minor=total,
        rest_minor=0.2 * total,
    )
    return c, budgets


amounts = st.integers(0, 40)


@st.composite
def small_cases(draw: st.DrawFn) -> tuple[Contenders, Budgets]:
    rows = [
        (who, draw(st.integers(0, 2)), draw(st.integers(0, 1)), draw(st.integers(-5, 60)), draw(st.integers(0, 30)), draw(st.integers(1, 3)))
        for who in range(draw(st.integers(1, 5)))
        for _ in range(draw(st.integers(1, 3)))
    ]  # fmt: skip
    top = draw(st.lists(st.booleans(), min_size=5, max_size=5))
    maybe = st.none() | amounts.map(float)
    budgets = Budgets(
        play_minor=draw(st.dictionaries(st.integers(0, 2), amounts.map(float))),
        play_contacts=draw(st.dictionaries(st.integers(0, 2), st.integers(0, 3).map(float))),
        channel_contacts=draw(st.dictionaries(st.integers(0, 1), st.integers(0, 3).map(float))),
        total_minor=draw(maybe),
        rest_minor=draw(maybe),
    )
    return contenders(*rows, top=[top[row[0]] for row in rows]), budgets


@settings(max_examples=50, deadline=None)
@given(small_cases())
def test_small_cases_are_solved_as_if_everything_were_tried(case: tuple[Contenders, Budgets]) -> None:
    c, budgets = case
    found = allocate(c, budgets)
    assert is_allowed(c, budgets, found.chosen)
    best = brute_force(c, budgets)
    assert found.net_minor == pytest.approx(best)
    assert found.bound_minor >= best - 1e-6
    assert found.method in ("exact", "unconstrained")
    assert found.gap == pytest.approx(0, abs=1e-7)


@settings(max_examples=8, deadline=None)
@given(st.integers(0, 10_000), st.integers(20, 120), st.floats(0.02, 0.8), st.booleans())
def test_middling_cases_are_solved_as_by_an_exact_solver(seed: int, customers: int, tight: float, few_values: bool) -> None:
    c, budgets = random_case(seed, customers, tight=tight, few_values=few_values)
    found = allocate(c, budgets)
    assert is_allowed(c, budgets, found.chosen)
    best = exact_milp(c, budgets)
    assert found.bound_minor >= best * (1 - 1e-7)
    assert found.net_minor >= best * (1 - found.gap) - 1e-6
    if found.method == "exact":
        assert found.net_minor == pytest.approx(best, rel=1e-6)


@pytest.mark.parametrize("few_values", [False, True], ids=["spread", "few values"])
def test_large_cases_stay_within_the_stated_gap(few_values: bool) -> None:
    c, budgets = random_case(1, 6_000, plays=20, few_values=few_values)
    found = allocate(c, budgets)
    assert is_allowed(c, budgets, found.chosen)
    assert found.net_minor <= found.bound_minor * (1 + 1e-12)
    assert found.gap < 2e-4


def test_the_bound_is_that_of_the_linear_relaxation() -> None:
    """Cutting planes end where HiGHS ends on the relaxed program, so that the gap is stated against the lowest such bound."""
    c, budgets = random_case(5, 800)
    program = compile_program(c, c.value_minor >= c.cost_minor, tabulated(c, budgets), np.empty(0, np.int64))
    rows = np.arange(len(program.rows))
    once = sparse.csr_array((np.ones(len(rows)), (program.segment, rows)))
    from scipy.optimize import linprog

    relaxed = linprog(
        -program.net,
        A_ub=sparse.vstack([once, sparse.csr_array(program.usage(rows).T)]),
        b_ub=np.concatenate([np.ones(program.customers), program.most]),
        bounds=(0, 1),
    )
    assert dual.lowest_bound(program)[0].bound == pytest.approx(-relaxed.fun, rel=1e-6)


@settings(max_examples=8, deadline=None)
@given(st.integers(0, 1_000), st.randoms(use_true_random=False))
def test_the_order_of_a_customers_rows_changes_nothing(seed: int, random: Any) -> None:
    c, budgets = random_case(seed, 40, few_values=True)
    order = list(range(len(c)))
    random.shuffle(order)
    order.sort(key=lambda row: c.customer[row])
    shuffled = Contenders(**{name: None if value is None else value[order] for name, value in vars(c).items()})
    first, second = allocate(c, budgets), allocate(shuffled, budgets)

    def who(found: Allocation, given: Contenders) -> list[tuple[int, int, int]]:
        return sorted(zip(given.customer[found.chosen], given.play[found.chosen], given.channel[found.chosen], strict=True))

    assert who(first, c) == who(second, shuffled)


def test_everybody_gets_the_best_and_at_most_one() -> None:
    """Ana's rescue brings 90 net, her nudge 95; Bo's two plays bring the same: priority decides."""
    c = contenders(
        (1, RESCUE, SMS, 100, 10), (1, NUDGE, EMAIL, 100, 5), (2, RESCUE, SMS, 50, 0, 40), (2, NUDGE, SMS, 50, 0, 60)
    )
    found = allocate(c, Budgets())
    assert found.chosen.tolist() == [False, True, False, True]
    assert found.verdict.tolist() == [Verdict.BEATEN, Verdict.CHOSEN, Verdict.BEATEN, Verdict.CHOSEN]
    assert found.beaten_by.tolist() == [NUDGE, -1, NUDGE, -1]
    assert (found.method, found.gap, found.net_minor) == ("unconstrained", 0.0, 145.0)


def test_equal_in_all_goes_to_the_earlier_play() -> None:
    c = contenders((1, NUDGE, EMAIL, 50, 0), (1, RESCUE, EMAIL, 50, 0))
    assert allocate(c, Budgets()).chosen.tolist() == [False, True]


def test_who_would_be_harmed_or_brings_less_than_the_cost_is_left_alone() -> None:
    """A zero net is no loss: Chen is contacted."""
    c = contenders((1, RESCUE, SMS, -1, 0), (2, RESCUE, SMS, 5, 10), (3, RESCUE, SMS, 10, 10))
    found = allocate(c, Budgets())
    assert found.verdict.tolist() == [Verdict.DO_NOT_DISTURB, Verdict.NOT_WORTH_ITS_COST, Verdict.CHOSEN]


def test_a_budget_goes_to_who_brings_most_for_it_and_says_what_more_would_bring() -> None:
    """100 to spend, 50 each: Ana and Bo. One more unit of money would bring a fiftieth of what Chen brings."""
    c = contenders((1, RESCUE, SMS, 550, 50), (2, RESCUE, SMS, 350, 50), (3, RESCUE, SMS, 250, 50), (3, NUDGE, EMAIL, 60, 50))
    found = allocate(c, Budgets(play_minor={RESCUE: 100.0}))
    assert found.verdict.tolist() == [Verdict.CHOSEN, Verdict.CHOSEN, Verdict.OVER_BUDGET, Verdict.CHOSEN]
    (limit,) = found.limits
    assert (limit.kind, limit.index, limit.most, limit.used) == ("play_budget", RESCUE, 100.0, 100.0)
    # Chen's next best brings 10, so that the rescue would bring 190 more for 50 of its budget; Bo's 300 are worth keeping.
    assert 190 / 50 - 1e-6 <= limit.shadow_price <= 300 / 50 + 1e-6


def test_the_price_foretells_what_more_money_brings() -> None:
    c, budgets = random_case(3, 800)
    before = allocate(c, budgets)
    price = {limit.kind: limit for limit in before.limits if limit.index is None}["rest_budget"].shadow_price
    more = allocate(c, replace(budgets, rest_minor=float(budgets.rest_minor or 0) + 100))
    assert price > 0
    assert more.net_minor - before.net_minor == pytest.approx(100 * price, rel=0.1)


def test_a_full_channel_serves_who_brings_most() -> None:
    c = contenders((1, RESCUE, SMS, 30, 0), (2, RESCUE, SMS, 20, 0), (3, NUDGE, SMS, 10, 0), (3, GREETING, EMAIL, 5, 0))
    found = allocate(c, Budgets(channel_contacts={SMS: 1}))
    assert found.verdict.tolist() == [Verdict.CHOSEN, Verdict.CHANNEL_FULL, Verdict.CHANNEL_FULL, Verdict.CHOSEN]
    assert found.limits[0].shadow_price >= 20 - 1e-6


def test_a_limit_of_nothing_serves_nobody_and_below_zero_counts_as_zero() -> None:
    c = contenders((1, RESCUE, SMS, 30, 10), (2, RESCUE, SMS, 20, 0))
    found = allocate(c, Budgets(total_minor=-50.0))
    assert found.verdict.tolist() == [Verdict.OVER_BUDGET, Verdict.CHOSEN]  # Bo's contact costs nothing


def test_what_was_handed_out_today_keeps_its_customer_and_its_money() -> None:
    """Ana's nudge went out this morning: her better rescue waits, and only 50 of the 100 are left for the others."""
    c = contenders(
        (1, RESCUE, SMS, 500, 50), (1, NUDGE, EMAIL, 100, 50), (2, NUDGE, SMS, 300, 50), (3, NUDGE, SMS, 200, 50),
        held=[False, True, False, False],
    )  # fmt: skip
    found = allocate(c, Budgets(total_minor=100.0))
    assert found.verdict.tolist() == [Verdict.BEATEN, Verdict.CHOSEN, Verdict.CHOSEN, Verdict.OVER_BUDGET]
    assert found.beaten_by.tolist() == [NUDGE, -1, -1, -1]
    again = allocate(replace(c, is_held=found.chosen), Budgets(total_minor=100.0))
    assert again.chosen.tolist() == found.chosen.tolist()  # planned again after the push: the same
    assert allocate(c, Budgets(total_minor=0.0)).chosen.tolist() == [False, True, False, False]  # a fact stays a fact


def test_the_rest_of_the_money_is_for_the_rest_of_the_customers() -> None:
    """80/20: of 100, the two customers who do not matter most share 20 at most, though they bring more."""
    c = contenders((1, RESCUE, SMS, 90, 20), (2, RESCUE, SMS, 300, 20), (3, RESCUE, SMS, 200, 20), top=[True, False, False])
    found = allocate(c, Budgets(total_minor=100.0, rest_minor=20.0))
    assert found.chosen.tolist() == [True, True, False]
    assert (found.top_customers, found.top_cost_minor, found.rest_customers, found.rest_cost_minor) == (1, 20.0, 1, 20.0)
    assert found.verdict[2] == Verdict.OVER_BUDGET


def test_control_takes_neither_day_nor_money_and_is_judged_by_the_price() -> None:
    """Ana is control of the rescue and gets the nudge. Chen and Dai are control: Chen would have been reached, Dai not."""
    c = contenders(
        (1, RESCUE, SMS, 500, 50), (1, NUDGE, EMAIL, 100, 0), (2, RESCUE, SMS, 400, 50), (3, RESCUE, SMS, 450, 50),
        (4, RESCUE, SMS, 60, 50), (5, RESCUE, SMS, 200, 50),
        control=[True, False, False, True, True, False],
    )  # fmt: skip
    found = allocate(c, Budgets(play_minor={RESCUE: 50.0}))
    assert found.chosen.tolist() == [False, True, True, False, False, False]
    assert found.verdict[[0, 3, 4, 5]].tolist() == [
        Verdict.CHOSEN, Verdict.CHOSEN, Verdict.OVER_BUDGET, Verdict.OVER_BUDGET,
    ]  # fmt: skip
    assert found.limits[0].used == 50.0


def test_a_day_planned_again_after_its_push_keeps_its_control() -> None:
    """Ana is control of the rescue and was handed the nudge this morning: she is control still, and so told."""
    c = contenders((1, RESCUE, SMS, 500, 0), (1, NUDGE, EMAIL, 100, 0), control=[True, False])
    found = allocate(c, Budgets())
    assert found.verdict.tolist() == [Verdict.CHOSEN, Verdict.CHOSEN]
    again = allocate(replace(c, is_held=np.array([False, True])), Budgets())
    assert again.verdict.tolist() == found.verdict.tolist()


def test_control_of_a_lesser_play_would_have_been_beaten() -> None:
    c = contenders((1, RESCUE, SMS, 500, 0), (1, NUDGE, EMAIL, 100, 0), control=[False, True])
    found = allocate(c, Budgets())
    assert found.verdict.tolist() == [Verdict.CHOSEN, Verdict.BEATEN]
    assert found.beaten_by.tolist() == [-1, RESCUE]


@pytest.mark.parametrize("few_values", [False, True], ids=["spread", "one value"])
def test_control_and_contacted_stand_in_the_share_that_was_drawn(few_values: bool) -> None:
    """The budget reaches a third of 30,000: of the tenth drawn as control a third counts, not all, also where all are worth the same."""
    rng = np.random.default_rng(11)
    size = 30_000
    value = np.full(size, 100.0) if few_values else rng.lognormal(5, 1, size) + 10
    c = contenders(*[(who, RESCUE, SMS, value[who], 10.0) for who in range(size)], control=rng.random(size) < 0.1)
    found = allocate(c, Budgets(play_minor={RESCUE: 10.0 * 9_000}))
    assert c.is_control is not None
    would_be = int((found.verdict[c.is_control] == Verdict.CHOSEN).sum())
    assert int(found.chosen.sum()) == 9_000
    assert would_be == pytest.approx(1_000, abs=4 * 30)


def test_equals_are_not_served_by_age() -> None:
    """A budget for half of a thousand equals does not go to the five hundred oldest keys."""
    c = contenders(*[(who, RESCUE, SMS, 100.0, 10.0) for who in range(1_000)])
    chosen = allocate(c, Budgets(total_minor=5_000.0)).chosen
    assert int(chosen.sum()) == 500
    assert 190 < int(chosen[:500].sum()) < 310


def test_keys_may_lie_as_far_apart_as_hashes_do() -> None:
    """The difference of the two does not fit into 64 bits; their order is right all the same, and each gets the play."""
    far = replace(
        contenders((1, 0, SMS, 10.0, 1.0), (2, 0, SMS, 10.0, 1.0)), customer=np.array([-(2**63) + 1, 2**63 - 1], dtype=np.int64)
    )
    assert allocate(far, Budgets()).verdict.tolist() == [Verdict.CHOSEN, Verdict.CHOSEN]


def test_nobody_is_no_problem() -> None:
    found = allocate(contenders(), Budgets(total_minor=100.0, channel_contacts={SMS: 5}))
    assert (found.net_minor, found.gap, found.method) == (0.0, 0.0, "unconstrained")
    assert [limit.used for limit in found.limits] == [0.0, 0.0]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"customer": np.array([2, 1])}, "customer is not sorted in 1 of 2 rows. Nothing allocated"),
        ({"value_minor": np.array([1.0, np.nan])}, "value_minor is not a finite number in 1 of 2 rows"),
        ({"cost_minor": np.array([-1.0, -2.0])}, "cost_minor is not a finite number of zero or more in 2 of 2 rows"),
        ({"play": np.array([1], np.int16)}, "play has 1 rows, customer has 2"),
    ],
    ids=["unsorted", "nan", "negative cost", "short"],
)
def test_what_cannot_be_decided_about_is_refused(change: dict[str, Any], message: str) -> None:
    c = contenders((1, RESCUE, SMS, 30, 10), (2, RESCUE, SMS, 20, 0))
    with pytest.raises(AllocationError, match=message):
        allocate(replace(c, **change), Budgets())


def test_without_repair_the_choices_pass_the_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    """The damage: everybody's own best choice at the prices, and a budget that is not kept."""
    c, budgets = random_case(2, 300)
    assert is_allowed(c, budgets, allocate(c, budgets).chosen)
    monkeypatch.setattr(solve, "repaired", lambda program, chosen, prices: chosen)
    monkeypatch.setattr(solve, "settled", lambda program, rows, point: None)
    assert not is_allowed(c, budgets, allocate(c, budgets).chosen)


def test_without_the_exact_part_the_gap_is_larger_but_still_stated(monkeypatch: pytest.MonkeyPatch) -> None:
    c, budgets = random_case(4, 200)
    whole = allocate(c, budgets)
    monkeypatch.setattr(solve, "settled", lambda program, rows, point: None)
    bounded = allocate(c, budgets)
    assert (whole.method, bounded.method) == ("exact", "bounded")
    assert whole.net_minor <= bounded.bound_minor
    assert 0 < bounded.gap < 0.05
    assert bounded.net_minor >= whole.net_minor * (1 - bounded.gap)


def test_a_solution_of_the_solver_that_passes_a_limit_is_not_taken() -> None:
    c, budgets = random_case(2, 60)
    program = compile_program(c, c.value_minor >= c.cost_minor, tabulated(c, budgets), np.empty(0, np.int64))
    everybody, _ = program.best(program.net)
    assert len(exact._within(program, everybody)) == 0
    kept = primal.repaired(program, everybody, np.zeros(len(program.most)))
    assert len(exact._within(program, kept)) == len(kept) > 0


@pytest.mark.parametrize("page", ["allocation", "control-groups"])
def test_the_examples_of_the_pages_hold(page: str, project: Path) -> None:
    text = (project / "docs" / f"{page}.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL)
    assert blocks
    for block in blocks:
        exec(block, {})
