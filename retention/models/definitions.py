"""Identifiers of what the scores mean. A champion for one definition never scores for another."""

from __future__ import annotations

from retention.settings import Settings


def churn_definition(settings: Settings) -> str:
    """No paid order within the horizon, among purchasers."""
    return f"no_paid_order_{settings.churn.horizon_days}d.v1"


def clv_definition(settings: Settings) -> str:
    """Discounted net value over the horizon, among purchasers."""
    return f"net_value_{settings.clv.horizon_days}d_discount_{settings.clv.annual_discount_rate:g}.v1"


def renewal_definition(settings: Settings) -> str:
    """Contract not renewed within its grace period, among contracts due within the look-ahead."""
    return f"not_renewed_{settings.churn.contract_lookahead_days}d_grace_{settings.churn.contract_grace_days}d.v1"
