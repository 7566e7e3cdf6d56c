"""Business numbers of segments, plays, audiences and complaints; :mod:`retention.settings` gathers them."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class ValueSettings:
    """Cut-offs of the value matrix and the service tiers."""

    current_value_quantile: float = 0.7
    """Purchasers above this quantile of current value count as high."""
    potential_value_quantile: float = 0.7
    """Purchasers above this quantile of predicted value count as high."""
    current_value_cutoff: int = 0
    """Current value above which a customer counts as high, in whole units of the base currency. 0: the quantile decides."""
    potential_value_cutoff: int = 0
    """Predicted value above which a customer counts as high, in whole units of the base currency. 0: the quantile decides."""
    tier_up_probability: float = 0.6
    """A customer moves up once the probability of belonging there, given the interval of the prediction, is this high …"""
    tier_down_probability: float = 0.4
    """… and may move down once the probability of belonging to the tier held is below this. In between nobody moves."""
    tier_grace_days: int = 7
    """A lower tier must hold this many days before a customer is moved down: no flip-flop from day to day."""
    fallback_spread_share: float = 0.5
    """Where a prediction comes without an interval (the rule of thumb), it is taken to reach this share of it either way."""
    flap_days: int = 28
    """Who leaves a tier, class, stage or level and is back within this many days has flapped."""


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
    at_risk_release_probability: float = 0.45
    """Who is at risk stays so until the churn probability is below this (and the ratio below its own) …"""
    at_risk_release_overdue_ratio: float = 1.8
    """… so that a score that hovers at the threshold changes nothing from day to day."""
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
    universal_control_share: float = 0.05
    """Share of customers who get no promotion at all for a calendar year, so that what all promotions together bring can be
    measured; service and staff plays go on. 0: no such group."""
    control_stratum_minimum: int = 200
    """From this many customers of a tier on, exactly the share of them is control; below, the share holds on average."""
    quiet_from: str = "21:00"
    """From this time of day, where the customer is, nobody is contacted. The same time as `quiet_until`: no quiet hours."""
    quiet_until: str = "08:00"
    """Until this time of day."""
    quiet_days: tuple[str, ...] = ()
    """Days on which no contact begins at all: weekdays (`"sunday"`) and days of the year (`"12-13"`)."""
    region_time_zones: dict[str, str] = field(default_factory=dict)
    """Time zone by region as the CRM writes it, as `Xinjiang = "Asia/Urumqi"`; the company's zone holds for every other."""
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
    guard_population_share: float = 0.5
    """A plan over fewer customers than this share of the push before lets nobody leave: a source has failed, nobody went."""
    consent_heartbeat_hours: int = 26
    """A consent feed silent for longer shows nothing to the marketing tools rather than something stale."""
    push_contact_details: bool = False
    """Whether plain e-mail and phone of current members go to the marketing database's ``contact`` table."""


@dataclass(frozen=True)
class AllocationSettings:
    """Where the money for promotion goes. Amounts in whole units of the base currency unless their name says otherwise."""

    day_budget: float = 0.0
    """Most that promotion may cost in a day over all plays, touches and expected offers; 0: no limit but those of the plays."""
    month_budget: float = 0.0
    """Most in a calendar month; a day may use what is left by the days that are left. 0: no limit."""
    top_share: float = 0.2
    """This share of purchasers, by predicted value, are the customers who matter most …"""
    top_budget_share: float = 0.8
    """… and this share of the money is for them: the others get the rest of it at most. 0: no such rule. It holds where there
    is a budget over all plays, or every promotional play of the day has its own."""
    channel_contacts_per_day: dict[str, float] = field(default_factory=dict)
    """Most promotional contacts a day by channel, as `sms = 20000`; a channel not named has no limit."""
    assumed_margin_share: float = 0.35
    """Share of revenue that is margin, where unit costs are not known for enough of the revenue to tell."""
    assumed_redemption_share: float = 0.1
    """Share of the people contacted who use an offer, where the play does not say."""
    priority_point_minor: float = 5.0
    """What a contact is taken to bring after cost, in minor units for each point of its play's priority, where nothing else is
    known about it."""
    uplift_minimum_people: int = 100
    """A measured effect counts from so many contacted and so many held back on."""
    prior_spread: float = 1.0
    """How unsure a play's stated expectation is, as a share of itself: the spread against which a measurement is weighed."""
    budget_review_days: int = 28
    """A play's budget is changed at most once in so many days: the time after which new outcomes are known."""
    budget_step: float = 0.5
    """A play without effect keeps this share of its budget at a review; one whose effect shows again gets it back likewise."""
    budget_floor: float = 0.2
    """No play goes below this share of its budget: enough to go on measuring."""
    budget_pinned: tuple[str, ...] = ()
    """Plays whose budget is left alone whatever is measured."""


@dataclass(frozen=True)
class ComplaintSettings:
    """The complaint clock."""

    acknowledge_hours: float = 1.0
    """A complaint is acknowledged within this time."""
    first_reply_hours: float = 24.0
    """A complaint gets its first reply within this time."""
    root_cause_weeks: int = 8
    """Causes are summed anew for this many weeks back: most are found after the week in which the complaint came in."""


@dataclass(frozen=True)
class FileSettings:
    """Audiences as files."""

    use_hours: int = 24
    """A list may be used this long after it was read, then it is deleted: consent in a file does not follow a withdrawal."""
    lists: tuple[str, ...] = ()
    """Lists written after every push: audience, format and, for addresses, the destination or recipe, such as ``win_back csv``
    or ``win_back parquet google``."""


@dataclass(frozen=True)
class MeasurementSettings:
    """What plays brought."""

    outcome_days: int = 28
    """Days after a delivery within which an order counts as its outcome: four whole weeks, so that weekdays weigh the same."""
    effect_history_days: int = 365
    """Deliveries older than this say little about the play as it is now."""
    planned_customers: int = 5000
    """Customers of both groups at which the daily interval of an effect is narrowest; it holds at any number."""
    review_weekday: int = 1
    """Weekday on whose morning the strategy review is written, 1 Monday to 7 Sunday."""
