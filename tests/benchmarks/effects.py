"""Do effects keep their word: 1,000 simulated plays with known truth; about a minute."""

from __future__ import annotations

from typing import Any

from rich.console import Console

from tests.retention.measurement.effect_samples import LIFTS, coverage, misses

SIMULATIONS = 1_000


def measure(server: object, console: Console) -> tuple[str, list[str], list[list[Any]]]:
    """Return how often each interval holds the truth: once at the end, and on every one of many days."""
    rows: list[list[Any]] = []
    for how, lifts in ((LIFTS[0], (0.0, 0.1, 0.3, -0.3)), *((how, (0.3,)) for how in LIFTS[1:])):
        for customers in (1_000, 3_000, 10_000):
            held = [f"{lift:+.0%} {coverage(SIMULATIONS, customers, lift, seed=1, how=how):.1%}" for lift in lifts]
            rows.append([f"one look, {customers:,} customers, {how}", ", ".join(held), ""])
    for customers_a_day, lift in ((20, 0.0), (100, 0.0), (20, 0.3), (100, 0.3)):
        daily, single = misses(SIMULATIONS, customers_a_day, 60, seed=5, lift=lift)
        rows.append(
            [f"60 daily looks, {customers_a_day} customers a day, {lift:+.0%}", f"{1 - single:.1%}", f"{1 - daily:.1%}"]
        )
    return (
        f"Intervals that hold the truth, {SIMULATIONS:,} simulations each, one tenth control",
        ["play", "interval for one look", "interval for every day"],
        rows,
    )
