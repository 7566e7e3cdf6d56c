"""Business numbers of segments, plays, audiences and complaints; :mod:`retention.settings` gathers them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ValueSettings:
    """Cut-offs of the value matrix and the service tiers."""

    current_value_quantile: float = 0.7
    """Purchasers above this quantile of current value count as high."""
    potential_value_quantile: float = 0.7
    """Purchasers above this quantile of predicted value count as high."""
    tier_grace_days: int = 7
    """A lower tier must hold this many days before a customer is moved down: no flip-flop from day to day."""


@dataclass(frozen=True)
class LifecycleSettings:
    """The rules of the lifecycle stages."""

    new_days: int = 90
    """A first-time buyer is new this long."""
    loyal_orders: int = 4
    """Paid orders that make a customer loyal …"""
    loyal_span_days: int = 180
    """… when they span at least this many days."""
    loyal_orders_with_referral: int = 3
    """Paid orders that suffice with a converted referral."""
    at_risk_probability: float = 0.5
    """Churn probability from which a customer is at risk."""
    at_risk_overdue_ratio: float = 2.0
    """Days since the last order over the customer's own mean gap from which the customer is at risk."""
    lost_days: int = 365
    """No paid order for this many days is lost."""
    won_back_days: int = 90
    """An order after being lost counts as won back this long."""


@dataclass(frozen=True)
class MembershipLevel:
    """One membership level."""

    name: str
    name_zh: str
    from_spend: int
    """Net spend of the membership year from which the level is held, in whole units of the base currency."""


@dataclass(frozen=True)
class MembershipSettings:
    """The membership programme."""

    levels: tuple[MembershipLevel, ...] = (
        MembershipLevel("basic", "普通会员", 0),
        MembershipLevel("silver", "银卡会员", 10_000),
        MembershipLevel("gold", "金卡会员", 20_000),
    )
    """Levels from the lowest up."""
    year_start: str = "01-01"
    """Month and day on which the membership year starts."""
    points_expiry_days: int = 30
    """Points that expire within this many days are about to expire."""


@dataclass(frozen=True)
class CampaignSettings:
    """Limits over all plays."""

    contact_cap_days: int = 7
    """Window of the contact cap."""
    contact_cap: int = 2
    """Contacts per customer in that window over all channels; service and staff plays are exempt."""
    contact_cap_per_channel: int = 1
    """Contacts per customer and channel in that window."""
    complaint_hold_days: int = 7
    """Promotion rests this long after a complaint is resolved; while it is open it always rests."""
    holdout_share: float = 0.1
    """Share of candidates kept as control group where a play names none."""
    holdout_salt: str = "retention-holdout-v1"
    """Changing it draws new control groups: only between measurement periods."""
    guard_first_push_share: float = 0.6
    """The first push may reach at most this share of all customers."""
    guard_join_share: float = 0.25
    """At most this share of all customers may join an audience in one push."""
    guard_leave_share: float = 0.5
    """At most this share of the delivered audience may leave in one push."""
    guard_growth: float = 5.0
    """An audience may be at most this many times as large as it was at its largest in the weeks before."""
    guard_minimum_rows: int = 50
    """Changes up to this many rows never trip the guard: small companies move in large shares."""
    consent_heartbeat_hours: int = 26
    """A consent feed silent for longer shows nothing to the marketing tools rather than something stale."""
    push_contact_details: bool = False
    """Whether plain e-mail and phone of current members go to the marketing database's ``contact`` table."""


@dataclass(frozen=True)
class ComplaintSettings:
    """The complaint clock."""

    acknowledge_hours: float = 1.0
    """A complaint is acknowledged within this time."""
    first_reply_hours: float = 24.0
    """A complaint gets its first reply within this time."""
