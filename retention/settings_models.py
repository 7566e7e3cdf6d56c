"""Business numbers of understanding customers: groups of :class:`retention.settings.Settings`, kept here for length only."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class AssociationSettings:
    """What goes with what, what comes next, and when something is used up."""

    window_days: int = 365
    """Order lines of this many days before the as-of date are read."""
    least_orders: int = 20
    """A pair (and each item of it) must be in this many orders: fewer prove nothing."""
    least_customers: int = 10
    """… of this many customers, so that a rule never tells what one person bought."""
    most_items: int = 400
    """Rules are looked for among this many most bought products, and as many categories."""
    most_items_per_order: int = 80
    """Orders with more different items are left out of rules: a wholesaler's order joins everything with everything."""
    most_lines: int = 800_000
    """Customers are worked on in random shares of about so many order lines each; rules, popularity and rhythms are counted on
    the first of them alone: more customers move no share."""
    within_days: int = 60
    """Something bought "next" comes with the next order within this many days."""
    rules_per_item: int = 20
    """At most this many rules of one kind are published for one item, the surest first."""
    half_life_days: int = 90
    """Something bought this long ago says half as much about a customer's habits as something bought today."""
    just_bought_days: int = 90
    """What is not used up and bought again is not proposed for so long after it was bought."""
    replenishable_share: float = 0.4
    """A product counts as used up and bought again, whatever the catalogue says, when this share of its buyers came back for
    it within the window."""
    prior_orders: float = 2.0
    """How often a customer buys something starts from everybody's habit, raised or lowered by the rules of what they buy, as
    if by so many orders (2 and 8 gave equal hit rates on held-out baskets, 0.5 lower ones)."""
    rhythm_prior_gaps: float = 2.0
    """The rhythm of a customer and a product starts from the product's as if by so many gaps."""
    next_best_count: int = 5
    """How many products and categories are proposed to each customer."""
    new_count: int = 3
    """How many of those that a customer has not bought within the window are proposed beside."""
    replenishment_count: int = 5
    """For how many products of a customer the next date is expected, the most often bought first."""
    given_up_ratio: float = 3.0
    """Nobody is reminded of a product that is overdue by more than this many times its rhythm: it was given up."""


@dataclass(frozen=True)
class PersonaSettings:
    """How customers are grouped by the way they shop."""

    window_days: int = 365
    """Orders and lines of this many days before the as-of date are read."""
    minimum_customers: int = 200
    """Fewer purchasers than this and no groups are learned."""
    most_customers: int = 50_000
    """Groups are learned from a random share of larger companies."""
    shrinkage_lines: float = 10.0
    """A customer's discount share and price position are drawn to the company's as if by so many lines of its average."""
    bootstraps: int = 20
    """How often the groups are learned again from resampled customers to see whether they are the same ones."""
    minimum_stability: float = 0.5
    """Groups that agree less than this with those of resampled customers (adjusted Rand index) are not used."""
    seed: int = 20260104
    """Seed of everything random in learning the groups."""


@dataclass(frozen=True)
class PreferenceSettings:
    """How much of their own a customer must show before it counts."""

    window_days: int = 365
    """Orders, messages and touches of this many days before the as-of date are read."""
    prior_lines: float = 10.0
    """Shares of categories, price and discount start from the company's as if by so many lines."""
    prior_messages: float = 20.0
    """A channel's response rate starts from the stated prior as if by so many messages."""
    prior_visits: float = 5.0
    """Hour and weekday start from the company's as if by so many visits."""
    low_band: float = 0.33
    """Customers below this quantile of the positions of the prices they pay are in the low price band (discounts likewise)."""
    high_band: float = 0.67
    """Customers above this quantile are in the high band."""
    young_until: int = 35
    """Age up to which the stated prior of channels is that of the young."""
    middle_until: int = 59
    """Age up to which it is that of the middle-aged."""


@dataclass(frozen=True)
class ReasonSettings:
    """Whose scores come with reasons, and how many."""

    top_share: float = 0.1
    """Share of purchasers, by churn risk and by predicted value, whose scores are explained."""
    reasons_per_customer: int = 3
    """At most this many reasons per customer and score, the weightiest first."""
    minimum_share: float = 0.1
    """A reason must make up at least this share of what moves the score its way: a list padded with trifles misleads."""
    buckets: int = 2
    """Customer buckets explained side by side: one per core."""


@dataclass(frozen=True)
class WarningSettings:
    """When a warning sign counts as one, and not as chance."""

    minimum_change: float = 0.5
    """Orders or touches must have fallen by this share, complaints per order risen by it …"""
    chance_limit: float = 0.25
    """… and a customer who has not changed would show as much with at most this probability. Two complaints after none, for as
    many orders, just count; one order after two is nothing."""
    falling_chance_limit: float = 0.2
    """The same for what falls. Counts of orders are larger and swing more: with 0.25 one unchanged customer in eight showed a
    fall, with 0.2 one in twelve, and half of those whose orders really fell by 70 % still show it (simulated)."""
    minimum_orders_before: int = 2
    """Repeat orders of the 90 days before, from which a fall can be read at all."""
    minimum_interactions_before: int = 3
    """Touches of the 30 days before, from which a fall can be read."""
    minimum_complaints: int = 2
    """Complaints of the last 90 days, from which a rise can be read."""
    minimum_window_days: int = 30
    """A new customer's window before must span this many days."""


@dataclass(frozen=True)
class DriftSettings:
    """When a day's inputs and scores are too unlike those of training."""

    warn_index: float = 0.25
    """Population stability index from which an input or the score is reported: the customary mark of a clear change."""
    stop_input_index: float = 4.0
    """An input above this has next to nothing in common with training; nothing is published. Seasons stay far below."""
    stop_score_index: float = 1.5
    """Scores above this are not those of the company that was learned from; nothing is published."""
    null_share_rise: float = 0.25
    """An input may be without a value for this much more of the customers than in training (a share of all)."""
    distinct_score_fall: float = 0.2
    """Distinct scores may fall to this part of what training had."""


@dataclass(frozen=True)
class TextSettings:
    """How complaints, comments and mentions are read."""

    look_back_days: int = 365
    """Texts of this many days before the as-of date are read every day."""
    training_days: int = 1096
    """Labels of this many days are learned from."""
    largest_training_set: int = 30_000
    """More labelled texts than this are not learned from; the newest count."""
    minimum_texts: int = 200
    """Fewer labelled texts than this and the lexicon reads."""
    minimum_per_class: int = 20
    """A label with fewer texts than this is not learned."""
    seed: int = 20260109
    """Seed of the bootstrap intervals."""
