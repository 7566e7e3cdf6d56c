"""Objectives of the pipeline's and the audiences' health; :mod:`retention.settings` gathers them."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class HealthSettings:
    """When pipeline and audiences are well. A share is between 0 and 1, `…_growth` is times the usual."""

    day_ready_hours: float = 8.0
    """Every stage has published a business day within so many hours of its end: people look at it in the morning."""
    source_hours: float = 24.0
    """What a source has of a business day is in core within so many hours of its end …"""
    source_hours_by_entity: dict[str, float] = field(default_factory=dict)
    """… or, for entities that come less often, within these, as `"crm.referral" = 192` for a week and a day."""
    refused_share: float = 0.01
    """At most this share of a delivery is refused. (From `ingest.quarantine_stop_share` on the day stops.)"""
    late_share: float = 0.05
    """At most this share of a day's rows speaks of earlier days only: each of them changes a day that was published."""
    failed_attempts: int = 3
    """At most so many attempts of a task fail in 24 hours: retries heal the rest unseen."""
    unfinished_hours: float = 1.0
    """What failed is made good within so many hours."""
    task_growth: float = 3.0
    """A task takes at most so many times its median of the days compared with …"""
    task_floor_seconds: float = 120.0
    """… and is not looked at below this time: short tasks vary by chance."""
    compute_hour_cost: float = 0.0
    """What one hour of a running task costs, in whole units of the base currency. 0: cost is not measured."""
    compute_day_budget: float = 0.0
    """Most that the tasks of one business day may cost, in whole units. 0: no such limit."""
    consent_feed_hours: float = 2.0
    """Where consent is fed every ten minutes, its last beat is at most so old; elsewhere
    `campaigns.consent_heartbeat_hours` holds."""
    complaint_clock_hours: float = 1.0
    """Where the complaint clock runs every ten minutes, it last did at most so long ago."""
    score_shift_index: float = 0.25
    """Population stability index of a score against its training: above 0.25 is commonly called a shift."""
    audience_growth: float = 3.0
    """An audience is at most so many times larger, or smaller, than its median of the days compared with."""
    mix_shift_index: float = 0.25
    """Population stability index of an audience's tiers, churn bands and value bands against the days before; what chance
    alone gives for so many members is added."""
    overlap_share: float = 0.5
    """At most this share of an audience's members is in another one too: beyond it two plays speak to the same people."""
    reachable_share: float = 0.8
    """At least this share of an audience may be contacted at the moment of reading."""
    exclusion_rise: float = 0.2
    """The share of candidates whom one rule keeps out is at most so much above its median of the days compared with."""
    feedback_share: float = 0.9
    """Tools say of at least this share of what they were given that it was taken over or sent …"""
    feedback_grace_hours: float = 48.0
    """… within so many hours."""
    failed_delivery_share: float = 0.05
    """At most this share of what a channel sent bounces: beyond it senders are blocked."""
    match_share: float = 0.5
    """At least this share of an audience has a match key for the destination it is exported to."""
    target_hours: float = 30.0
    """What a further target holds was read back at most so long ago: it is read at least once a day."""
    play_cost_growth: float = 3.0
    """A play's cost of a day is at most so many times its median of the days compared with."""
    comparison_days: int = 28
    """What is usual is the median, or the mean mix, of so many days before."""
    comparison_least_days: int = 5
    """With fewer days to compare with, nothing is called unusual."""
    minimum_people: int = 50
    """Shares of fewer people or rows than this are not judged: they vary by chance."""
    warn_share: float = 0.8
    """From this share of the way to its limit on, a check warns. Warnings are shown and not sent …"""
    alert_warnings: bool = False
    """… unless this is true."""
    reminder_days: int = 7
    """Who was told of a breach is reminded after so many days, while it lasts."""
    settle_hours: float = 1.0
    """A breach is over once the check has held for so long, or on a later day: what wavers is told once."""
    kept_share: float = 0.95
    """Each objective is to hold on this share of the days; `bi.health_objective` says what is left of the others."""
