"""The business numbers that the segment queries use, checked against each other."""

from __future__ import annotations

from typing import Any

from retention.settings import Settings, SettingsError


def segment_binds(settings: Settings) -> dict[str, Any]:
    """Return the business numbers that the segment queries use, as binds.

    Raises
    ------
    SettingsError when numbers contradict each other: then damping would do the opposite of what it is for.
    """
    value, lifecycle, membership, company = settings.value, settings.lifecycle, settings.membership, settings.company
    _require_sense(settings)
    one = 10**company.base_currency_minor_digits
    return {
        "business_timezone": company.business_timezone,
        "current_value_quantile": value.current_value_quantile,
        "potential_value_quantile": value.potential_value_quantile,
        "current_value_cutoff_minor": value.current_value_cutoff * one,
        "potential_value_cutoff_minor": value.potential_value_cutoff * one,
        "fallback_spread_share": value.fallback_spread_share,
        "interval_probability": settings.clv.interval,
        "tier_up_probability": value.tier_up_probability,
        "tier_down_probability": value.tier_down_probability,
        "tier_grace_days": value.tier_grace_days,
        "flap_days": value.flap_days,
        "new_days": lifecycle.new_days,
        "loyal_orders": lifecycle.loyal_orders,
        "loyal_span_days": lifecycle.loyal_span_days,
        "loyal_orders_with_referral": lifecycle.loyal_orders_with_referral,
        "at_risk_probability": lifecycle.at_risk_probability,
        "at_risk_overdue_ratio": lifecycle.at_risk_overdue_ratio,
        "at_risk_release_probability": lifecycle.at_risk_release_probability,
        "at_risk_release_overdue_ratio": lifecycle.at_risk_release_overdue_ratio,
        "lost_days": lifecycle.lost_days,
        "won_back_days": lifecycle.won_back_days,
        "level_names": [level.name for level in membership.levels],
        "level_names_zh": [level.name_zh for level in membership.levels],
        "level_from_minor": [level.from_spend * one for level in membership.levels],
    }


def _require_sense(settings: Settings) -> None:
    value, lifecycle, levels = settings.value, settings.lifecycle, settings.membership.levels
    rules = {
        "[value] quantiles must lie between 0 and 1": 0 <= value.current_value_quantile <= 1
        and 0 <= value.potential_value_quantile <= 1,
        "[value] cut-offs must not be negative (0: the quantile decides)": min(
            value.current_value_cutoff, value.potential_value_cutoff
        )
        >= 0,
        "[value] tier_down_probability must be at most 0.5 and tier_up_probability at least 0.5, both between 0 and 1": 0
        <= value.tier_down_probability
        <= 0.5
        <= value.tier_up_probability
        <= 1,
        "[value] tier_grace_days, fallback_spread_share and flap_days must not be negative": min(
            value.tier_grace_days, value.fallback_spread_share, value.flap_days
        )
        >= 0,
        "[lifecycle] at_risk_release_probability must not be above at_risk_probability": lifecycle.at_risk_release_probability
        <= lifecycle.at_risk_probability,
        "[lifecycle] at_risk_release_overdue_ratio must not be above at_risk_overdue_ratio": (
            lifecycle.at_risk_release_overdue_ratio <= lifecycle.at_risk_overdue_ratio
        ),
        "[membership] there must be a level from 0 on, so that everybody has one": any(
            level.from_spend == 0 for level in levels
        ),
        "[membership] levels must have different names and amounts, none negative": len({level.name for level in levels})
        == len({level.from_spend for level in levels})
        == len(levels)
        and all(level.from_spend >= 0 for level in levels),
    }
    for rule, holds in rules.items():
        if not holds:
            raise SettingsError(f"{rule}. Nothing was published.")
