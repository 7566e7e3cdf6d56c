# ruff: noqa: E501 - one table of columns a line
"""The sample company's loyalty side: points, paid memberships, stored value, recommendations, mailings. All simulated.

Points follow purchases, memberships and recommendations follow how much a household buys, mailings are the real ones.
"""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pandas as pd

from retention.samples.journey import Journey
from retention.samples.people import contact_number
from retention.samples.sales import PLAN_ARTICLE
from retention.samples.timeline import Changes, Timeline, generator, midnight

MEMBERSHIP_CHANGES: Changes = {"renewed_on": (), "ended_on": ()}
RECOMMENDATION_CHANGES: Changes = {"converted_on": (("reward", 0.0),)}
POINTS_VALID_MONTHS = 9


def make_points(tickets: pd.DataFrame, timeline: Timeline) -> pd.DataFrame:
    """Make the points ledger: one point per dollar paid, valid to the end of the ninth month after; some redeemed before.

    A month's points are either redeemed in part two months later, or lapse: so a balance is never below zero.
    """
    rng = generator("points")
    paid = tickets[tickets["paid_on"].notna() & tickets["voided_on"].isna() & (tickets["net"] >= 1)]
    month = paid["paid_on"].dt.to_period("M")
    earned = pd.DataFrame(
        {
            "contact_no": paid["card_no"],
            "entry_type": "E",
            "points": np.floor(paid["net"]).astype(int),
            "booked_on": paid["paid_on"],
            "valid_until": (month + POINTS_VALID_MONTHS).dt.end_time.dt.normalize().astype("datetime64[us]"),
        }
    )
    monthly = earned.groupby(["contact_no", "valid_until"], as_index=False)["points"].sum()
    rows = len(monthly)
    redeemed = np.where(rng.random(rows) < 0.55, (monthly["points"] * rng.uniform(0.3, 0.9, rows)).astype(int) // 10 * 10, 0)
    first_of_month = (monthly["valid_until"].dt.to_period("M") - POINTS_VALID_MONTHS).dt.start_time
    taken = first_of_month + pd.to_timedelta(rng.integers(62 * 86400, 90 * 86400, rows), unit="s")
    redemptions = pd.DataFrame(
        {"contact_no": monthly["contact_no"], "entry_type": "R", "points": -redeemed, "booked_on": taken, "valid_until": pd.NaT}
    )
    lapsed = pd.DataFrame(
        {
            "contact_no": monthly["contact_no"],
            "entry_type": "X",
            "points": redeemed - monthly["points"],
            "booked_on": monthly["valid_until"] + timedelta(days=1, hours=1),
            "valid_until": pd.NaT,
        }
    )
    later = pd.concat([redemptions, lapsed], ignore_index=True)
    later["valid_until"] = later["valid_until"].astype("datetime64[us]")
    ledger = pd.concat([earned, later[later["points"] < 0]], ignore_index=True)
    ledger["booked_on"] = ledger["booked_on"].astype("datetime64[us]").dt.floor("s")
    ledger = ledger[ledger["booked_on"] < timeline.end].sort_values(
        ["booked_on", "contact_no", "entry_type"], ignore_index=True
    )
    ledger.insert(0, "entry_no", np.arange(1, len(ledger) + 1))
    return ledger


def make_memberships(journey: Journey, timeline: Timeline) -> pd.DataFrame:
    """Make paid delivery memberships: one year at a time, bought by those who buy often, renewed by most who still do."""
    rng = generator("memberships")
    often = journey.baskets.groupby("household").agg(count=("basket", "size"), last=("at", "max"))
    chosen = often[rng.random(len(often)) < np.clip(often["count"] / 400, 0.01, 0.5)]
    rows = len(chosen)
    start = pd.Timestamp(timeline.first_day) + pd.to_timedelta(rng.integers(-330, 320, rows), unit="D")
    renew = start + pd.DateOffset(years=1)
    still_buys = (chosen["last"].to_numpy() > (renew - timedelta(days=30)).to_numpy()) | (renew > pd.Timestamp(timeline.end))
    renewed = still_buys & (rng.random(rows) < 0.85)
    decided = renew - pd.to_timedelta(rng.integers(3600, 20 * 86400, rows), unit="s")
    ended = ~renewed & (rng.random(rows) < 0.5)
    return pd.DataFrame(
        {
            "membership_no": [f"DM{number:05d}" for number in range(1, rows + 1)],
            "contact_no": contact_number(pd.Series(chosen.index)).to_numpy(),
            "plan_article": PLAN_ARTICLE,
            "start_day": start,
            "renew_day": renew,
            "yearly_fee": 49.0,
            "curr": "USD",
            "renewed_on": pd.Series(decided).where(renewed).astype("datetime64[us]").to_numpy(),
            "ended_on": pd.Series(decided).where(ended).astype("datetime64[us]").to_numpy(),
            "entered_on": (pd.Series(start) + timedelta(hours=11)).astype("datetime64[us]").to_numpy(),
        }
    )


def make_wallets(journey: Journey, timeline: Timeline) -> pd.DataFrame:
    """Make balances of stored value: at each month's end, and on each held day for those who used it."""
    rng = generator("wallets")
    spend = journey.baskets.groupby("household")["net"].sum()
    owners = spend[rng.random(len(spend)) < np.clip(spend / 12000, 0.02, 0.4)]
    ends = list(pd.date_range(pd.Timestamp(timeline.first_day), midnight(timeline.last_released), freq="ME"))
    parts = []
    for day in [*ends, pd.Timestamp(timeline.last_released), *map(pd.Timestamp, timeline.held_days)]:
        daily = day > pd.Timestamp(timeline.last_released)
        some = owners[rng.random(len(owners)) < (0.06 if daily else 1.0)]
        parts.append(
            pd.DataFrame(
                {
                    "contact_no": contact_number(pd.Series(some.index)).to_numpy(),
                    "wallet_kind": "stored_value",
                    "on_day": day,
                    "balance": (rng.gamma(1.5, 30, len(some)) + 5).round(2),
                    "curr": "USD",
                }
            )
        )
    wallets = pd.concat(parts, ignore_index=True).drop_duplicates(["contact_no", "wallet_kind", "on_day"])
    wallets["on_day"] = wallets["on_day"].astype("datetime64[us]")
    wallets["booked_on"] = wallets["on_day"] + timedelta(hours=23, minutes=30)
    return wallets


def make_recommendations(journey: Journey, leads: pd.DataFrame, timeline: Timeline) -> pd.DataFrame:
    """Make recommendations: good customers bring newcomers (who then buy), prospects (who have not), and mere names."""
    rng = generator("recommendations")
    stats = journey.baskets.groupby("household").agg(count=("basket", "size"), first=("at", "min"))
    late = stats[stats["first"] >= pd.Timestamp(timeline.first_day) + timedelta(days=45)]
    good = stats[
        (stats["count"] >= stats["count"].quantile(0.6)) & (stats["first"] < late["first"].min() if len(late) else True)
    ]
    converted = late[rng.random(len(late)) < 0.4]
    prospects = leads[rng.random(len(leads)) < 0.25]
    names = max(5, len(stats) // 60)
    joined = [
        pd.DataFrame({"to_contact": contact_number(pd.Series(converted.index)).to_numpy(), "to_text": None,
            "made_on": converted["first"].to_numpy() - pd.to_timedelta(rng.integers(86400, 20 * 86400, len(converted)), unit="s"),
            "converted_on": converted["first"].to_numpy(), "reward": 50.0}),
        pd.DataFrame({"to_contact": prospects["contact_no"].to_numpy(), "to_text": None,
            "made_on": prospects["created_on"].to_numpy(), "converted_on": pd.NaT, "reward": 0.0}),
        pd.DataFrame({"to_contact": None, "to_text": [f"friend {number} of a customer" for number in range(1, names + 1)],
            "made_on": pd.Timestamp(timeline.first_day) + pd.to_timedelta(rng.integers(0, (timeline.end - midnight(timeline.first_day)).days * 86400, names), unit="s"),
            "converted_on": pd.NaT, "reward": 0.0}),
    ]  # fmt: skip
    for part in joined:
        part["made_on"] = part["made_on"].astype("datetime64[us]")
        part["converted_on"] = part["converted_on"].astype("datetime64[us]")
    made = pd.concat(joined, ignore_index=True).sort_values(["made_on", "to_contact"], ignore_index=True)
    # A few bring many, most bring one.
    weight = 1 / (1 + np.arange(len(good)))
    made["from_contact"] = contact_number(pd.Series(rng.choice(good.index.to_numpy(), len(made), p=weight / weight.sum())))
    made.insert(0, "rec_id", np.arange(1, len(made) + 1))
    return made


def make_mail_events(journey: Journey, tickets: pd.DataFrame, timeline: Timeline) -> pd.DataFrame:
    """Make what happened to the mailings: who was mailed and who redeemed is real, the rest plausible."""
    rng = generator("mail events")
    mailed = journey.campaigns
    rows = len(mailed)
    sent = mailed["start"] + timedelta(hours=8) + pd.to_timedelta(rng.integers(0, 3600, rows), unit="s")
    active = journey.baskets.groupby("household").size()
    keen = np.clip(mailed["household"].map(active).fillna(1).to_numpy() / 200, 0.1, 0.7)
    delivered = rng.random(rows) < 0.97
    opened = delivered & (rng.random(rows) < 0.15 + 0.5 * keen)
    clicked = opened & (rng.random(rows) < 0.1 + 0.4 * keen)
    gone = opened & (rng.random(rows) < 0.008)
    open_at = sent + pd.to_timedelta(rng.gamma(1.2, 20000, rows).astype(int) + 60, unit="s")
    click_at = open_at + pd.to_timedelta(rng.integers(5, 400, rows), unit="s")

    def event(code: str, mask: np.ndarray, at: pd.Series) -> pd.DataFrame:
        return pd.DataFrame(
            {
                "mailing": mailed["campaign"][mask],
                "household": mailed["household"][mask],
                "what": code,
                "happened_on": at[mask],
                "simulated": code != "S",
            }
        )

    parts = [event("S", np.ones(rows, bool), sent), event("D", delivered, sent + timedelta(minutes=2)),
        event("B", ~delivered, sent + timedelta(minutes=3)), event("O", opened, open_at), event("C", clicked, click_at),
        event("U", gone, click_at + timedelta(minutes=1))]  # fmt: skip
    bought = tickets[tickets["promo"].notna() & tickets["paid_on"].notna()]
    parts.append(
        pd.DataFrame(
            {
                "mailing": bought["promo"],
                "household": bought["household"],
                "what": "V",
                "happened_on": bought["paid_on"],
                "simulated": False,
            }
        )
    )
    events = pd.concat(parts, ignore_index=True)
    events["contact_no"] = contact_number(events["household"])
    events["happened_on"] = events["happened_on"].astype("datetime64[us]")
    events = events[(events["happened_on"] < timeline.end)].sort_values(
        ["happened_on", "contact_no", "what"], ignore_index=True
    )
    events.insert(0, "event_no", np.arange(1, len(events) + 1))
    events["medium"] = "EMAIL"
    return events.drop(columns="household")
