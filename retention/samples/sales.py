"""The sample company's sales system: articles, tickets and their lines, exchange rates and market figures.

What was bought, when, for how much and with which coupon is real. Channels, cancellations, returns, stock, costs and rates
are made up; rows changed by a made-up cancellation or return are marked as simulated.
"""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pandas as pd

from retention.samples.journey import Journey
from retention.samples.people import contact_number
from retention.samples.timeline import Changes, Timeline, generator

TICKET_CHANGES: Changes = {"paid_on": (), "voided_on": (), "refunded_on": (("amount_refunded", 0.0),)}
LINE_CHANGES: Changes = {"back_on": (("qty_back", 0.0),)}
PLAN_ARTICLE = 990_000_001
"""The paid delivery membership is an article like others, so that contracts can name it."""
_REPLENISHED = (
    "GROCERY",
    "PRODUCE",
    "MEAT",
    "MEAT-PCKGD",
    "DELI",
    "PASTRY",
    "SEAFOOD",
    "SEAFOOD-PCKGD",
    "NUTRITION",
    "DRUG GM",
)


def make_articles(journey: Journey, timeline: Timeline) -> pd.DataFrame:
    """Make the catalogue: real names and categories; price from real receipts; cost and stock made up."""
    rng = generator("articles")
    products, rows = journey.products, len(journey.products)
    priced = journey.lines[journey.lines["quantity"] > 0]
    unit = (priced["gross"] / priced["quantity"]).groupby(priced["product"]).median()
    price = products["product_id"].map(unit)
    price = price.fillna(price.groupby(products["product_category"]).transform("median")).fillna(2.49).clip(lower=0.05).round(2)
    title = products["product_type"].fillna(products["product_category"]).fillna("MISC ITEM")
    size = products["package_size"].fillna("")
    brand = np.where(
        products["brand"] == "Private", "House brand", "Maker " + products["manufacturer_id"].fillna(0).astype(int).astype(str)
    )
    articles = pd.DataFrame(
        {
            "article_no": products["product_id"],
            "title": (title.str.title() + " " + size.str.lower()).str.strip(),
            "dept": products["department"],
            "commodity": products["product_category"],
            "sub_commodity": products["product_type"],
            "brand_name": brand,
            "list_price": price,
            "cost_price": (price * rng.uniform(0.58, 0.82, rows)).round(2),
            "stock": np.where(rng.random(rows) < 0.04, 0, rng.integers(5, 400, rows)),
            "repeat_purchase": products["department"].isin(_REPLENISHED),
        }
    )
    plan = {"article_no": PLAN_ARTICLE, "title": "Delivery membership, one year", "dept": "SERVICES", "commodity": "MEMBERSHIP",
            "sub_commodity": None, "brand_name": "House brand", "list_price": 49.0, "cost_price": 20.0, "stock": 999_999,
            "repeat_purchase": False}  # fmt: skip
    articles = pd.concat([articles, pd.DataFrame([plan])], ignore_index=True)
    before = rng.integers(1, 200 * 86400, len(articles))
    articles["changed_on"] = (pd.Timestamp(timeline.first_day) - pd.to_timedelta(before, unit="s")).astype("datetime64[us]")
    return articles


def restock(articles: pd.DataFrame, timeline: Timeline) -> pd.DataFrame:
    """Return articles as they read after the stock counts of the held days."""
    rng = generator("restock")
    counted = []
    for day in timeline.held_days:
        rows = articles.sample(min(len(articles), 60), random_state=int(rng.integers(2**31))).copy()
        rows["stock"] = rng.integers(0, 300, len(rows))
        rows["changed_on"] = pd.Timestamp(day) + pd.to_timedelta(rng.integers(18000, 25000, len(rows)), unit="s")
        counted.append(rows.assign(release_day=day))
    return pd.concat(counted, ignore_index=True)


def make_tickets(journey: Journey, contacts: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Make tickets and their lines in their final state; ``timeline.split`` shows them as of a day.

    Returns
    -------
    Tickets (with ``household`` and ``net`` beside the system's own columns) and lines.
    """
    rng = generator("tickets")
    baskets, rows = journey.baskets, len(journey.baskets)
    by_household = contacts[~contacts["is_second"]].set_index("household")
    age = by_household["age"].reindex(baskets["household"]).to_numpy()
    # Each household has its own liking for the app, the younger the more.
    liking = pd.Series(rng.beta(1.2, 3.0, len(by_household)), index=by_household.index).reindex(baskets["household"]).to_numpy()
    online = rng.random(rows) < liking * np.clip(1.6 - age / 50, 0.2, 1.3)
    channel = np.where(online, np.where(rng.random(rows) < 0.7, "APP", "WX"), "POS")
    end_of_day = baskets["at"].dt.normalize() + timedelta(hours=23, minutes=59, seconds=59)
    wait = np.where(online, rng.integers(20, 1500, rows), rng.integers(0, 90, rows))
    tickets = pd.DataFrame(
        {
            "ticket_no": baskets["basket"],
            "card_no": _card(baskets, contacts, rng),
            "opened_on": baskets["at"],
            "paid_on": np.minimum(baskets["at"] + pd.to_timedelta(wait, unit="s"), end_of_day),
            "curr": "USD",
            "amount_list": baskets["gross"],
            "amount_off": baskets["off"],
            "sales_channel": channel,
            "store_no": baskets["store"],
            "household": baskets["household"],
            "net": baskets["net"],
        }
    )
    tickets = _vouchers(tickets, journey)
    tickets["voided_on"] = pd.Series(pd.NaT, index=tickets.index, dtype="datetime64[us]")
    void = rng.random(rows) < 0.006
    later = tickets["paid_on"] + pd.to_timedelta(rng.integers(600, 3 * 86400, rows), unit="s")
    tickets.loc[void, "voided_on"] = later[void]
    unpaid = void & online & (rng.random(rows) < 0.5)
    tickets.loc[unpaid, "paid_on"] = pd.NaT
    lines = _lines(journey, rng)
    tickets, lines = _returns(tickets, lines, void, rng)
    tickets["simulated"] = (tickets["voided_on"].notna() | tickets["refunded_on"].notna()).to_numpy()
    return tickets, lines


def make_rates(journey: Journey, timeline: Timeline) -> pd.DataFrame:
    """Make dated figures of the market: the dollar, demand by department (from real receipts), a rival's prices."""
    rng = generator("rates")
    start = pd.Timestamp(timeline.first_day) - timedelta(days=1000)
    days = pd.date_range(start, pd.Timestamp(timeline.last_day), freq="D")
    level, rates = 7.10, []
    for shock in rng.normal(0, 0.008, len(days)):
        level += 0.03 * (7.10 - level) + shock
        rates.append(round(min(max(level, 6.9), 7.3), 4))
    parts = [pd.DataFrame({"series": "fx.USD.CNY", "area": None, "on_day": days, "value": rates})]
    dept = journey.lines["product"].map(journey.products.set_index("product_id")["department"])
    weekly = journey.lines.groupby([dept, journey.lines["at"].dt.to_period("W-SUN").dt.end_time.dt.normalize()])["net"].sum()
    for name in ("GROCERY", "DRUG GM", "PRODUCE", "MEAT", "DELI"):
        series = weekly.get(name)
        if series is not None and len(series):
            values = (100 * series / series.mean()).round(2).to_numpy()
            parts.append(
                pd.DataFrame(
                    {
                        "series": f"demand.{name.lower().replace(' ', '_')}",
                        "area": "all",
                        "on_day": series.index,
                        "value": values,
                    }
                )
            )
    months = pd.date_range(pd.Timestamp(timeline.first_day), pd.Timestamp(timeline.last_day), freq="MS")
    parts.append(
        pd.DataFrame(
            {
                "series": "competitor.basket_price",
                "area": "all",
                "on_day": months,
                "value": (100 + rng.normal(0.2, 0.8, len(months)).cumsum()).round(2),
            }
        )
    )
    market = pd.concat(parts, ignore_index=True)
    market["on_day"] = market["on_day"].astype("datetime64[us]")
    market["loaded_on"] = market["on_day"] + timedelta(hours=6, minutes=15)
    return market[market["loaded_on"] < timeline.end].reset_index(drop=True)


def _card(baskets: pd.DataFrame, contacts: pd.DataFrame, rng: np.random.Generator) -> pd.Series:
    """Return whose card a ticket names: for people entered twice, either of their numbers once both exist."""
    card = contact_number(baskets["household"])
    second = contacts[contacts["is_second"]].set_index("household")
    since = baskets["household"].map(second["created_on"])
    other = (baskets["at"] >= since) & (rng.random(len(baskets)) < 0.5)
    return card.where(~other, baskets["household"].map(second["contact_no"]))


def _vouchers(tickets: pd.DataFrame, journey: Journey) -> pd.DataFrame:
    """Put the coupons that households used (real) on their largest ticket of that day."""
    tickets["day"] = tickets["opened_on"].dt.normalize()
    largest = tickets.sort_values("amount_list").drop_duplicates(["household", "day"], keep="last")[
        ["ticket_no", "household", "day"]
    ]
    used = journey.redemptions.merge(largest, on=["household", "day"])[["ticket_no", "voucher", "campaign"]]
    joined = tickets.merge(used, on="ticket_no", how="left").rename(columns={"voucher": "voucher_no", "campaign": "promo"})
    return joined.drop(columns="day")


def _lines(journey: Journey, rng: np.random.Generator) -> pd.DataFrame:
    lines = journey.lines
    quantity = lines["quantity"].to_numpy()
    price = np.divide(lines["gross"].to_numpy(), quantity, out=np.zeros(len(lines)), where=quantity > 0)
    return pd.DataFrame(
        {
            "ticket_no": lines["basket"],
            "line_no": lines["line"],
            "article_no": lines["product"],
            "qty": quantity,
            "unit_price": price.round(4),
            "amount_off": lines["off"],
            "qty_back": 0.0,
            "back_on": pd.Series(pd.NaT, index=lines.index, dtype="datetime64[us]"),
            "opened_on": lines["at"],
            "net": lines["net"],
        }
    )


def _returns(
    tickets: pd.DataFrame, lines: pd.DataFrame, void: np.ndarray, rng: np.random.Generator
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Bring some goods back: mostly one line of a ticket, now and then all of it; the money follows the same hour."""
    rows = len(tickets)
    whole = (rng.random(rows) < 0.003) & ~void
    one = (rng.random(rows) < 0.012) & ~void & ~whole
    back_on = tickets["paid_on"] + pd.to_timedelta(rng.integers(3600, 14 * 86400, rows), unit="s")
    back = pd.Series(back_on.where(whole | one).to_numpy(), index=tickets["ticket_no"])
    of_line = lines["ticket_no"].map(back)
    # One line: the dearest of the ticket.
    dearest = lines.sort_values("net").drop_duplicates("ticket_no", keep="last").index
    comes_back = of_line.notna() & (
        lines["ticket_no"].map(pd.Series(whole, index=tickets["ticket_no"])) | lines.index.isin(dearest)
    )
    comes_back &= lines["qty"] > 0
    lines.loc[comes_back, "qty_back"] = lines.loc[comes_back, "qty"]
    lines["back_on"] = of_line.where(comes_back).astype("datetime64[us]")
    lines["simulated"] = comes_back
    refunded = lines[comes_back].groupby("ticket_no")["net"].sum().round(2)
    tickets["amount_refunded"] = tickets["ticket_no"].map(refunded).fillna(0.0)
    tickets["refunded_on"] = tickets["ticket_no"].map(back).where(tickets["amount_refunded"] > 0).astype("datetime64[us]")
    return tickets, lines
