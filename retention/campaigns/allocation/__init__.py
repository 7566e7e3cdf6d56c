"""Allocation: one promotional play per customer and day, the best by expected margin, within budgets and capacities."""

from retention.campaigns.allocation.budgets import read_budgets
from retention.campaigns.allocation.problem import Allocation, Budgets, Contenders, Limit, Verdict
from retention.campaigns.allocation.record import fill_allocation
from retention.campaigns.allocation.solve import allocate

__all__ = [
    "Allocation",
    "Budgets",
    "Contenders",
    "Limit",
    "Verdict",
    "allocate",
    "fill_allocation",
    "read_budgets",
]
