# ruff: noqa: E501 - one table of choices a line
"""The sample company's service desk: complaints, answers to surveys, touches, public mentions. All simulated.

Complaints follow exposure (each ticket can go wrong) and come before breaks: a ticket followed by an unusually long silence of
its household is several times more likely to have had one, so that complaining and leaving go together as they do in shops.
"""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from retention.samples.journey import Journey
from retention.samples.texts import COMMENTS, COMPLAINTS, MENTIONS, phrase
from retention.samples.timeline import Changes, Timeline, either, generator

CASE_CHANGES: Changes = {
    "ack_time": (),
    "reply_time": (),
    "solved_time": (("goodwill", None), ("cause", None)),
    "rated_time": (("rating", None),),
}
_BASE_RATE = 0.0032
_GAP_FACTOR = 7.0
_TOPICS = ["quality", "delivery", "price", "service", "app", "return"]
_CAUSES = {
    "quality": ["cold chain", "supplier batch", "shelf rotation"], "delivery": ["carrier overloaded", "wrong address", "packing"],
    "price": ["label not updated", "promotion terms", "till file late"], "service": ["understaffed", "training", "hotline routing"],
    "app": ["payment callback", "release bug"], "return": ["refund queue", "policy unclear"],
}  # fmt: skip
_TEAMS = {"quality": "QA", "delivery": "LOG", "price": "MKT", "service": "STORE", "app": "IT", "return": "FIN"}


def make_cases(journey: Journey, tickets: pd.DataFrame, contacts: pd.DataFrame) -> pd.DataFrame:
    """Make complaints in their final state; ``timeline.split`` shows them as of a day."""
    rng = generator("cases")
    baskets = tickets.sort_values(["household", "opened_on"])
    gap = (baskets["opened_on"].shift(-1) - baskets["opened_on"]).dt.total_seconds() / 86400
    gap = gap.where(baskets["household"].eq(baskets["household"].shift(-1)))
    usual = gap.groupby(baskets["household"]).transform("median")
    until_end = (journey.baskets["at"].max() - baskets["opened_on"]).dt.total_seconds() / 86400
    broke_off = gap.fillna(until_end) > np.maximum(4 * usual.fillna(14), 21)
    online = baskets["sales_channel"] != "POS"
    rate: NDArray[np.float64] = _BASE_RATE * np.where(broke_off, _GAP_FACTOR, 1.0) * np.where(online, 1.4, 1.0)
    rate = rate + np.where(baskets["refunded_on"].notna(), 0.12, 0.0) + np.where(baskets["voided_on"].notna(), 0.05, 0.0)
    hit = baskets[rng.random(len(baskets)) < rate].copy()
    rows, by_app = len(hit), (hit["sales_channel"] != "POS").to_numpy()
    topic = np.where(hit["refunded_on"].notna() & (rng.random(rows) < 0.5), "return",
        np.where(by_app, rng.choice(_TOPICS, rows, p=[0.27, 0.38, 0.08, 0.07, 0.17, 0.03]), rng.choice(_TOPICS, rows, p=[0.42, 0.04, 0.2, 0.3, 0.01, 0.03])))  # fmt: skip
    level = rng.choice([1, 2, 3], rows, p=[0.56, 0.33, 0.11])
    opened = hit["opened_on"] + pd.to_timedelta(rng.gamma(1.1, 26000, rows).astype(int) + 900, unit="s")
    ack = opened + pd.to_timedelta(rng.gamma(1.0, 2100, rows).astype(int) + 60, unit="s")
    reply = ack + pd.to_timedelta(rng.gamma(1.4, 22000, rows).astype(int) + 300, unit="s")
    solved = reply + pd.to_timedelta(rng.gamma(1.3, 130000, rows).astype(int) * level // 2 + 1800, unit="s")
    rated = solved + pd.to_timedelta(rng.integers(3600, 5 * 86400, rows), unit="s")
    answered, finished = rng.random(rows) < 0.97, rng.random(rows) < 0.94
    quick = ((reply - opened).dt.total_seconds() < 24 * 3600).to_numpy()
    stars = np.clip(np.round(rng.normal(np.where(quick, 3.7, 2.6) - 0.3 * (level - 1), 1.0)), 1, 5)
    goodwill = np.round(np.select([level == 1, level == 2], [5.0, 10.0], 10.0 + 7.0 * hit["net"].to_numpy()), 2)
    lang = contacts.set_index("contact_no")["lang"].reindex(hit["card_no"]).fillna("zh").to_numpy()
    items = _items(journey, hit["ticket_no"])
    cases = pd.DataFrame(
        {
            "member": hit["card_no"].to_numpy(),
            "ticket": hit["ticket_no"].astype(str).to_numpy(),
            "via": np.where(by_app, rng.choice(["APP", "WECHAT", "PHONE"], rows), rng.choice(["PHONE", "STORE", "WEIBO", "EMAIL"], rows, p=[0.5, 0.3, 0.1, 0.1])),
            "topic": topic,
            "level": np.array(["-", "L1", "L2", "L3"])[level],
            "text": [phrase(rng, COMPLAINTS[t], "zh" if code == "zh" else "en", item) for t, code, item in zip(topic, lang, items, strict=True)],
            "open_time": opened.to_numpy(),
            "ack_time": ack.where(answered).to_numpy(),
            "reply_time": reply.where(answered).to_numpy(),
            "solved_time": solved.where(answered & finished).to_numpy(),
            "goodwill": either(rng.random(rows) < 0.7, goodwill.round(2), None),
            "rating": either(rng.random(rows) < 0.5, stars, None),
            "rated_time": rated.where(answered & finished).to_numpy(),
            "cause": [_CAUSES[t][int(rng.integers(len(_CAUSES[t])))] for t in topic],
            "team": [_TEAMS[t] for t in topic],
        }
    ).sort_values(["open_time", "member"], ignore_index=True)  # fmt: skip
    for column in ("open_time", "ack_time", "reply_time", "solved_time", "rated_time"):
        cases[column] = cases[column].astype("datetime64[us]").dt.floor("s")
    unrated = cases["rating"].isna() | cases["solved_time"].isna()
    cases.loc[unrated, "rated_time"] = pd.NaT
    cases.loc[unrated, "rating"] = None
    cases.insert(0, "case_no", [f"K{number:06d}" for number in range(1, len(cases) + 1)])
    return cases


def make_answers(journey: Journey, cases: pd.DataFrame, contacts: pd.DataFrame, timeline: Timeline) -> pd.DataFrame:
    """Make answers to surveys: the quarterly recommendation question, satisfaction after a case, service quality scales."""
    rng = generator("answers")
    mine = contacts[~contacts["is_second"]]
    complaints = cases.groupby("member").size().reindex(mine["contact_no"]).fillna(0).to_numpy()
    last = journey.baskets.groupby("household")["at"].max().reindex(mine["household"]).to_numpy()
    days = (timeline.end - timeline.released_end).days + (timeline.last_released - timeline.first_day).days
    parts = []
    for start in range(20, days, 28):
        at = np.datetime64(pd.Timestamp(timeline.first_day) + timedelta(days=start))
        active = (last > at) & (mine["created_on"].to_numpy() < at)
        asked = active & (rng.random(len(mine)) < 0.045)
        score = np.clip(np.round(rng.normal(8.1 - 1.4 * np.minimum(complaints, 3), 1.9)), 0, 10)
        parts.append(_answers(rng, mine[asked], "nps", score[asked], at, 20))
        scale = rng.choice(["tangibles", "reliability", "responsiveness", "assurance", "empathy"], len(mine))
        asked = active & (rng.random(len(mine)) < 0.012)
        score = np.clip(np.round(rng.normal(4.0 - 0.4 * np.minimum(complaints, 3), 0.8)), 1, 5)
        parts.append(_answers(rng, mine[asked], "sq_" + pd.Series(scale)[asked].to_numpy(), score[asked], at, 20))
    after = cases[cases["rating"].notna()]
    parts.append(
        pd.DataFrame({"member": after["member"], "survey": "csat", "score": after["rating"].astype(float), "about": "case", "ref": after["case_no"],
            "lang": contacts.set_index("contact_no")["lang"].reindex(after["member"]).to_numpy(), "at": after["rated_time"]})
    )  # fmt: skip
    answers = pd.concat(parts, ignore_index=True)
    top = np.where(answers["survey"] == "nps", 10.0, 5.0)
    mood = np.select([answers["score"] / top >= 0.85, answers["score"] / top >= 0.65], ["good", "middle"], "bad")
    answers["comment"] = [
        phrase(rng, COMMENTS[how], "en" if code == "en" else "zh", "") if rng.random() < 0.45 else None
        for how, code in zip(mood, answers["lang"], strict=True)
    ]
    answers["at"] = answers["at"].astype("datetime64[us]").dt.floor("s")
    answers = answers[answers["at"] < timeline.end].sort_values(["at", "member"], ignore_index=True)
    answers.insert(0, "id", np.arange(1, len(answers) + 1))
    return answers.drop(columns="lang")


def make_touches(
    journey: Journey, tickets: pd.DataFrame, cases: pd.DataFrame, mails: pd.DataFrame, leads: pd.DataFrame, timeline: Timeline
) -> pd.DataFrame:
    """Make touches: browsing before an online order, shop visits, calls about cases, opened mailings, likes, prospects looking."""
    rng = generator("touches")
    dept = _departments(journey)
    online = tickets[tickets["sales_channel"] != "POS"]
    views = online.loc[online.index.repeat(rng.integers(1, 4, len(online)))]
    looked = views["opened_on"] - pd.to_timedelta(rng.gamma(0.8, 30000, len(views)).astype(int) + 30, unit="s")
    parts = [
        _touches(
            views["card_no"],
            "APP",
            "page_view",
            True,
            looked,
            rng.gamma(1.5, 40, len(views)),
            "product",
            dept.reindex(views["ticket_no"]),
        )
    ]
    shop = tickets[(tickets["sales_channel"] == "POS")].sample(frac=0.12, random_state=1)
    parts.append(
        _touches(
            shop["card_no"],
            "STORE",
            "visit",
            True,
            shop["opened_on"] - timedelta(minutes=20),
            rng.gamma(3, 400, len(shop)),
            "shopping",
            dept.reindex(shop["ticket_no"]),
        )
    )
    phoned = cases[cases["via"] == "PHONE"]
    parts.append(
        _touches(
            phoned["member"],
            "TEL",
            "call",
            True,
            phoned["open_time"] - timedelta(minutes=4),
            rng.gamma(2, 120, len(phoned)),
            "complaint",
            None,
        )
    )
    called = cases[cases["reply_time"].notna() & (rng.random(len(cases)) < 0.5)]
    parts.append(
        _touches(
            called["member"], "TEL", "call", False, called["reply_time"], rng.gamma(2, 100, len(called)), "complaint", None
        )
    )
    read = mails[mails["what"].isin(["O", "C"])]
    kind = np.where(read["what"] == "O", "open", "click")
    parts.append(_touches(read["contact_no"], "EMAIL", kind, True, read["happened_on"], None, "mailing", None))
    liking = tickets.sample(frac=0.02, random_state=2)
    parts.append(
        _touches(
            liking["card_no"],
            "WX",
            "like",
            True,
            liking["opened_on"] + timedelta(hours=3),
            None,
            "post",
            dept.reindex(liking["ticket_no"]),
        )
    )
    curious = leads.loc[leads.index.repeat(rng.integers(0, 6, len(leads)))]
    parts.append(
        _touches(
            curious["contact_no"],
            "APP",
            "page_view",
            True,
            curious["created_on"] + pd.to_timedelta(rng.integers(60, 40 * 86400, len(curious)), unit="s"),
            rng.gamma(1.5, 60, len(curious)),
            "product",
            None,
        )
    )
    touches = pd.concat(parts, ignore_index=True)
    touches["at"] = touches["at"].astype("datetime64[us]").dt.floor("s")
    touches = touches[(touches["at"] >= pd.Timestamp(timeline.first_day)) & (touches["at"] < timeline.end)]
    touches = touches.sort_values(["at", "member", "action"], ignore_index=True)
    touches.insert(0, "touch_id", np.arange(1, len(touches) + 1))
    return touches


def make_mentions(journey: Journey, timeline: Timeline) -> pd.DataFrame:
    """Make public comments on what sells."""
    rng = generator("mentions")
    rows = max(40, len(journey.baskets) // 200)
    sold = journey.lines["product"].sample(rows, random_state=int(rng.integers(2**31))).to_numpy()
    titles = _titles(journey).reindex(sold)
    mood = rng.choice(["positive", "neutral", "negative"], rows, p=[0.5, 0.28, 0.22])
    span = (timeline.end - pd.Timestamp(timeline.first_day)).total_seconds()
    at = pd.Timestamp(timeline.first_day) + pd.to_timedelta(np.sort(rng.random(rows)) * span, unit="s")
    language = rng.choice(["zh", "en"], rows, p=[0.7, 0.3])
    return pd.DataFrame(
        {
            "post": [f"P{number:06d}" for number in range(1, rows + 1)],
            "site": rng.choice(["weibo", "xiaohongshu", "dianping", "douyin"], rows),
            "text": [phrase(rng, MENTIONS[how], code, item) for how, code, item in zip(mood, language, titles, strict=True)],
            "mood": either(rng.random(rows) < 0.8, mood, None),
            "article": sold.astype(str),
            "area": journey.products.set_index("product_id")["department"].reindex(sold).to_numpy(),
            "at": pd.Series(at).dt.floor("s").astype("datetime64[us]"),
        }
    )


def _answers(
    rng: np.random.Generator, people: pd.DataFrame, survey: object, score: np.ndarray, start: np.datetime64, days: int
) -> pd.DataFrame:
    at = start + rng.integers(0, days * 86400, len(people)).astype("timedelta64[s]")
    return pd.DataFrame(
        {
            "member": people["contact_no"].to_numpy(),
            "survey": survey,
            "score": score,
            "about": None,
            "ref": None,
            "lang": people["lang"].to_numpy(),
            "at": at,
        }
    )


def _touches(
    member: pd.Series,
    medium: str,
    action: object,
    inbound: bool,
    at: pd.Series,
    seconds: object,
    topic: str,
    dept: pd.Series | None,
) -> pd.DataFrame:
    rows = len(member)
    return pd.DataFrame(
        {
            "member": member.to_numpy(),
            "medium": medium,
            "action": action,
            "inbound": inbound,
            "at": at.to_numpy(),
            "seconds": np.full(rows, np.nan)
            if seconds is None
            else np.maximum(1, np.asarray(seconds).astype(int)).astype(float),
            "topic": topic,
            "dept": None if dept is None else dept.to_numpy(),
        }
    )


def _titles(journey: Journey) -> pd.Series:
    products = journey.products.set_index("product_id")
    title = products["product_type"].fillna(products["product_category"]).fillna("item")
    return title.str.partition(":")[0].str.partition("/")[0].str.strip().str.lower()


def _dearest(journey: Journey) -> pd.Series:
    return journey.lines.sort_values("gross").drop_duplicates("basket", keep="last").set_index("basket")["product"]


def _items(journey: Journey, tickets: pd.Series) -> list[str]:
    """Return what a ticket was mostly about, in the catalogue's words."""
    return list(_titles(journey).reindex(_dearest(journey).reindex(tickets)).fillna("item"))


def _departments(journey: Journey) -> pd.Series:
    return _dearest(journey).map(journey.products.set_index("product_id")["department"])
