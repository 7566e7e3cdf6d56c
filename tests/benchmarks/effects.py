"""Do effects keep their word: 1,000 simulated plays with known truth; about a minute."""

from __future__ import annotations

from typing import Any

from rich.console import Console

from tests.retention.measurement.effect_samples import coverage, false_alarms

SIMULATIONS = 1_000


def measure(server: object, console: Console) -> tuple[str, list[str], list[list[Any]]]:
    """Return how often intervals hold the truth, and how often a play without effect is called one."""
    rows: list[list[Any]] = []
    for customers in (1_000, 3_000, 10_000):
        for lift in (0.0, 0.05, 0.1, 0.3):
            held, held_any = coverage(SIMULATIONS, customers, lift, seed=1)
            rows.append([f"{customers:,} customers, {lift:.0%} more spend", f"{held:.1%} hold it", f"{held_any:.1%} hold it"])
    for customers_a_day, days in ((20, 60), (100, 60)):
        daily, single = false_alarms(SIMULATIONS, customers_a_day, days, seed=5)
        rows.append(
            [f"no effect, {customers_a_day} a day, looked at {days} times", f"{single:.1%} alarms", f"{daily:.1%} alarms"]
        )
    return (
        f"Effects of plays, {SIMULATIONS:,} simulations each, one tenth control",
        ["play", "interval for one look", "interval for every day"],
        rows,
    )
