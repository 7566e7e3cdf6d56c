"""Allocation of one million customers with three possible contacts each: time, memory above the input, and the stated gap.

About two minutes on one core. Four problems: nothing binds; budgets and capacities of which a dozen bind; the same with a fifteenth of
the money; the same with round amounts, of which thousands are equal.
"""

from __future__ import annotations

import resource
import time
from typing import Any

import numpy as np
from rich.console import Console

from retention.campaigns.allocation import Budgets, Contenders, allocate

CUSTOMERS = 1_000_000
PLAYS = 20
COLUMNS = ("problem", "rows", "chosen", "seconds", "peak MB in all", "gap, parts per million", "method")


def measure(server: Any, console: Console) -> tuple[str, tuple[str, ...], list[tuple[Any, ...]]]:
    """Time the four problems; the database is not needed."""
    rows = []
    for problem, tight, is_round in (
        ("nothing binds", None, False),
        ("budgets and capacities", 0.3, False),
        ("a fifteenth of the money", 0.02, False),
        ("round amounts", 0.3, True),
    ):
        contenders, budgets = made(CUSTOMERS, tight, is_round)
        started = time.perf_counter()
        found = allocate(contenders, budgets)
        seconds = time.perf_counter() - started
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        rows.append((problem, len(contenders), int(found.chosen.sum()), seconds, peak, found.gap * 1e6, found.method))
        console.print(f"{problem}: {seconds:.1f} s")
    return f"Allocation of {CUSTOMERS:,} customers", COLUMNS, rows


def made(customers: int, tight: float | None, is_round: bool, seed: int = 1) -> tuple[Contenders, Budgets]:
    """Return a problem with values over four orders of magnitude, or few round ones, and limits of every kind."""
    rng = np.random.default_rng(seed)
    customer = np.repeat(np.arange(customers), rng.integers(1, 6, customers))
    size = len(customer)
    if is_round:
        value, cost = rng.integers(1, 6, size) * 100.0, rng.integers(0, 3, size) * 20.0 + 5
    else:
        value, cost = rng.lognormal(6, 1.5, size), rng.choice([1, 3, 5, 200, 500, 1_000], size) + rng.random(size) * 50
    contenders = Contenders(
        customer=customer,
        play=rng.integers(0, PLAYS, size).astype(np.int16),
        channel=rng.integers(0, 5, size).astype(np.int8),
        value_minor=value,
        cost_minor=cost,
        priority=rng.integers(1, 100, size).astype(np.int16),
        is_top=(rng.random(customers) < 0.2)[customer],
        is_held=np.zeros(size, dtype=bool),
    )
    if tight is None:
        return contenders, Budgets()
    total = float(cost.sum() / 3 * tight)
    return contenders, Budgets(
        play_minor=dict.fromkeys(range(0, PLAYS, 2), total / PLAYS * 2),
        play_contacts=dict.fromkeys(range(0, PLAYS, 5), customers / PLAYS * 0.3),
        channel_contacts={0: customers * 0.1, 1: customers * 0.05},
        total_minor=total,
        rest_minor=0.2 * total,
    )
