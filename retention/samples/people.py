# ruff: noqa: E501 - tables of names
"""The sample company's people: obviously made-up contact data for real households, prospects, permissions and labels."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pandas as pd

from retention.samples.journey import Journey
from retention.samples.timeline import Timeline, either, generator

_SURNAMES = [("王", "wang"), ("李", "li"), ("张", "zhang"), ("刘", "liu"), ("陈", "chen"), ("杨", "yang"), ("黄", "huang"),
    ("赵", "zhao"), ("吴", "wu"), ("周", "zhou"), ("徐", "xu"), ("孙", "sun"), ("马", "ma"), ("朱", "zhu"), ("胡", "hu"),
    ("郭", "guo"), ("何", "he"), ("林", "lin"), ("高", "gao"), ("罗", "luo"), ("欧阳", "ouyang"), ("司徒", "situ")]  # fmt: skip
_GIVEN_F = [("芳", "fang"), ("娜", "na"), ("敏", "min"), ("静", "jing"), ("丽", "li"), ("秀英", "xiuying"), ("雨桐", "yutong"),
    ("欣怡", "xinyi"), ("子涵", "zihan"), ("慧", "hui"), ("玉兰", "yulan"), ("梅", "mei"), ("雪", "xue"), ("佳琪", "jiaqi")]  # fmt: skip
_GIVEN_M = [("伟", "wei"), ("强", "qiang"), ("磊", "lei"), ("军", "jun"), ("洋", "yang"), ("勇", "yong"), ("杰", "jie"),
    ("浩然", "haoran"), ("宇轩", "yuxuan"), ("建国", "jianguo"), ("志强", "zhiqiang"), ("明", "ming"), ("涛", "tao"), ("鹏", "peng")]  # fmt: skip
_WEST_F = [
    "Anna",
    "Bella",
    "Clara",
    "Dora",
    "Emily",
    "Fiona",
    "Grace",
    "Helen",
    "Iris",
    "Julia",
    "Karen",
    "Laura",
    "Mary",
    "Nora",
]
_WEST_M = [
    "Adam",
    "Brian",
    "Carl",
    "David",
    "Eric",
    "Frank",
    "George",
    "Henry",
    "Ivan",
    "Jack",
    "Kevin",
    "Luke",
    "Mark",
    "Noah",
]
_WEST_SURNAMES = ["Sample", "Example", "Testman", "Placeholder", "Dummy", "Specimen", "Mockley", "Fakeley", "Demoson", "Madeup"]
_CITIES = [("上海", "华东", 20), ("北京", "华北", 14), ("广州", "华南", 10), ("深圳", "华南", 10), ("杭州", "华东", 9), ("成都", "西南", 9),
    ("武汉", "华中", 7), ("南京", "华东", 7), ("西安", "西北", 5), ("重庆", "西南", 5), ("苏州", "华东", 4)]  # fmt: skip
_ORIGINS = ["STORE", "APP", "WX", "AD", "EVENT", "REF"]
_TRAITS = ["价格敏感", "注重品质", "随和", "挑剔", "喜欢新品", None, None, None]
_JOBS = ["教师", "工程师", "医生", "销售", "自由职业", "公务员", "会计", "司机", "主管", None]
_OWNERS = ["Wu Min", "Sun Lei", "Zhou Jing", "Ma Tao"]
_MOBILE_PREFIXES = [
    "130",
    "131",
    "135",
    "136",
    "138",
    "139",
    "150",
    "151",
    "158",
    "159",
    "176",
    "177",
    "180",
    "186",
    "188",
    "189",
]
_AGE_BANDS = {"19-24": (19, 24), "25-34": (25, 34), "35-44": (35, 44), "45-54": (45, 54), "55-64": (55, 64), "65+": (65, 82)}
DUPLICATE_SHARE = 0.015
PROSPECT_SHARE = 0.12


def contact_number(household: pd.Series) -> pd.Series:
    """Return the CRM's number of a household, e.g. ``M001234``."""
    return "M" + household.astype(str).str.zfill(6)


def make_contacts(journey: Journey, timeline: Timeline) -> pd.DataFrame:
    """Make one contact per household, and a second one for a few.

    Returns
    -------
    One row per contact: the CRM's columns, and ``household``, ``is_second`` (the person is there twice), ``age``.
    """
    rng = generator("contacts")
    first = journey.baskets.groupby("household")["at"].min()
    households = first.index.to_numpy()
    rows = len(households)
    frame = _persons(rng, rows, timeline)
    age_band = journey.demographics.reindex(households)["age"]
    drawn = rng.choice(list(_AGE_BANDS), rows, p=[0.06, 0.18, 0.24, 0.33, 0.09, 0.10])
    bands = np.where(age_band.isna(), drawn, age_band.astype(object))
    _set_age(frame, rng, bands, timeline)
    married = journey.demographics.reindex(households)["marital_status"].to_numpy(dtype=object)
    wed = (married == "Married") | ((married != "Unmarried") & (rng.random(rows) < 0.3))
    frame["wedding_day"] = _days_before(rng, timeline, rows, 400, 9000).where(wed & (rng.random(rows) < 0.7))
    # Nobody buys before being known: regular customers joined long ago, those whose first purchase comes late, with it.
    first_at = pd.Series(first.to_numpy())
    lead = np.where(
        first_at < pd.Timestamp(timeline.first_day) + timedelta(days=45), rng.integers(30, 900, rows), rng.integers(0, 4, rows)
    )
    created = (first_at - pd.to_timedelta(lead, unit="D")).dt.normalize() + pd.to_timedelta(
        rng.integers(0, 21600, rows), unit="s"
    )
    frame["created_on"] = created.astype("datetime64[us]")
    frame["household"] = households
    frame["contact_no"] = contact_number(pd.Series(households)).to_numpy()
    frame["is_second"] = False
    spend = journey.baskets.groupby("household")["net"].sum().reindex(households).to_numpy()
    frame["owner_staff"] = either(spend >= np.quantile(spend, 0.95), rng.choice(_OWNERS, rows), None)
    _share_addresses(frame, rng)
    return pd.concat([frame, _second_contacts(frame, rng, timeline)], ignore_index=True)


def make_leads(contacts: pd.DataFrame, timeline: Timeline) -> pd.DataFrame:
    """Make prospects: people the CRM knows and who have never bought; some sign up on the held days."""
    rng = generator("leads")
    rows = max(20, int(len(contacts) * PROSPECT_SHARE))
    frame = _persons(rng, rows, timeline)
    _set_age(frame, rng, rng.choice(list(_AGE_BANDS), rows, p=[0.16, 0.34, 0.24, 0.16, 0.06, 0.04]), timeline)
    span = (timeline.end - pd.Timestamp(timeline.first_day)).days
    at = pd.Timestamp(timeline.first_day) + pd.to_timedelta(np.sort(rng.random(rows) ** 0.7) * span * 86400, unit="s")
    frame["created_on"] = pd.Series(at).dt.floor("s").astype("datetime64[us]").to_numpy()
    frame["contact_no"] = [f"L{number:06d}" for number in range(1, rows + 1)]
    frame["wedding_day"], frame["owner_staff"] = pd.NaT, None
    frame["household"], frame["is_second"] = -1, False
    return frame


def change_attributes(contacts: pd.DataFrame, timeline: Timeline) -> pd.DataFrame:
    """Return contacts as they read after a change made on a held day: a move, a new number, a new e-mail."""
    rng = generator("attribute changes")
    known = contacts[contacts["created_on"] < timeline.released_end]
    changed = []
    for day in timeline.held_days:
        rows = known.sample(min(len(known), max(2, len(known) // 400)), random_state=int(rng.integers(2**31))).copy()
        cities = rng.integers(0, len(_CITIES), len(rows))
        moves = rng.random(len(rows)) < 0.5
        rows["city_name"] = np.where(moves, [_CITIES[city][0] for city in cities], rows["city_name"])
        rows["province"] = np.where(moves, [_CITIES[city][1] for city in cities], rows["province"])
        rows["mobile"] = np.where(moves, rows["mobile"], _mobiles(rng, len(rows)))
        rows["modified_on"] = pd.Timestamp(day) + pd.to_timedelta(rng.integers(28800, 75600, len(rows)), unit="s")
        changed.append(rows.assign(release_day=day))
    return pd.concat(changed, ignore_index=True)


def make_permissions(contacts: pd.DataFrame, timeline: Timeline) -> pd.DataFrame:
    """Make consents: what people agreed to when they joined, and what they withdrew later."""
    rng = generator("permissions")
    rows, asked = len(contacts), []
    answer = rng.random(rows)

    def add(mask: np.ndarray, topic: str, medium: str, given: str, at: pd.Series, form: str) -> None:
        asked.append(
            pd.DataFrame(
                {"contact_no": contacts["contact_no"][mask], "topic": topic, "medium": medium, "answer": given,
                 "answered_on": at[mask], "form": form}
            )
        )  # fmt: skip

    joined = contacts["created_on"]
    add(answer < 0.70, "NEWS", "*", "Y", joined, "sign-up")
    add((answer >= 0.70) & (answer < 0.82), "NEWS", "EMAIL", "Y", joined, "sign-up")
    add((answer >= 0.82) & (answer < 0.92), "NEWS", "*", "N", joined, "sign-up")
    add(rng.random(rows) < 0.85, "PROFILE", "*", "Y", joined, "sign-up")
    add(rng.random(rows) < 0.30, "ADS", "*", "Y", joined, "sign-up")
    first = np.maximum(joined.to_numpy(), np.datetime64(timeline.first_day)).astype("datetime64[s]")
    room = (np.datetime64(timeline.end) - first).astype("timedelta64[s]").astype(np.int64)
    later = pd.Series(first + (room * rng.random(rows)).astype("timedelta64[s]"), index=contacts.index).astype("datetime64[us]")
    reply = rng.random(rows)
    add(reply < 0.05, "NEWS", "SMS", "N", later, "reply STOP")
    add((reply >= 0.05) & (reply < 0.11), "NEWS", "*", "N", later, "unsubscribe link")
    add((reply >= 0.11) & (reply < 0.13), "PROFILE", "*", "N", later, "call centre")
    add((reply >= 0.13) & (reply < 0.15) & (answer >= 0.82), "NEWS", "*", "Y", later, "app settings")
    permissions = pd.concat(asked, ignore_index=True).sort_values(["answered_on", "contact_no", "topic"], ignore_index=True)
    permissions.insert(0, "permission_id", np.arange(1, len(permissions) + 1))
    return permissions


def make_labels(contacts: pd.DataFrame, journey: Journey, timeline: Timeline) -> pd.DataFrame:
    """Make labels that staff and rules put on contacts; a few were taken off again."""
    rng = generator("labels")
    spend = journey.baskets.groupby("household")["net"].sum()
    share_off = journey.baskets.groupby("household")["off"].sum() / journey.baskets.groupby("household")["gross"].sum()
    mine = contacts[~contacts["is_second"] & (contacts["household"] >= 0)]
    by_rule = [
        ("大客户", spend.reindex(mine["household"]).to_numpy() >= spend.quantile(0.95)),
        ("促销偏好", share_off.reindex(mine["household"]).to_numpy() >= share_off.quantile(0.85)),
        ("团购", rng.random(len(mine)) < 0.04),
    ]
    parts = [pd.DataFrame({"contact_no": mine["contact_no"][mask], "label": label}) for label, mask in by_rule]
    labels = pd.concat(parts, ignore_index=True)
    rows = len(labels)
    span = (timeline.end - pd.Timestamp(timeline.first_day)).total_seconds()
    labels["labelled_on"] = (pd.Timestamp(timeline.first_day) + pd.to_timedelta(rng.random(rows) * span, unit="s")).floor("s")
    labels["labelled_by"] = np.where(labels["label"] == "团购", rng.choice(_OWNERS, rows), "rule")
    off = labels["labelled_on"] + pd.to_timedelta(rng.integers(20, 200, rows), unit="D")
    labels["dropped_on"] = off.where(rng.random(rows) < 0.12).astype("datetime64[us]")
    labels["labelled_on"] = labels["labelled_on"].astype("datetime64[us]")
    return labels


def _persons(rng: np.random.Generator, rows: int, timeline: Timeline) -> pd.DataFrame:
    sex = rng.choice(["F", "M", "U"], rows, p=[0.54, 0.42, 0.04])
    western = rng.random(rows) < 0.22
    names, stems = [], []
    for number in range(rows):
        female = sex[number] == "F" or (sex[number] == "U" and rng.random() < 0.5)
        if western[number]:
            given = str(rng.choice(_WEST_F if female else _WEST_M))
            surname = str(rng.choice(_WEST_SURNAMES))
            names.append(f"{given} {surname}")
            stems.append(f"{given}.{surname}".lower())
        else:
            surname_zh, surname_en = _SURNAMES[int(rng.integers(len(_SURNAMES)))]
            pool = _GIVEN_F if female else _GIVEN_M
            given_zh, given_en = pool[int(rng.integers(len(pool)))]
            names.append(surname_zh + given_zh)
            stems.append(surname_en + given_en)
    domains = rng.choice(["example.com", "example.cn", "example.org", "mail.example.com"], rows, p=[0.45, 0.3, 0.1, 0.15])
    suffix = rng.permutation(rows) + int(rng.integers(1000, 9000))
    cities = rng.choice(len(_CITIES), rows, p=np.array([city[2] for city in _CITIES]) / sum(city[2] for city in _CITIES))
    company = rng.random(rows) < 0.02
    return pd.DataFrame(
        {
            "full_name": [f"{name}商行" if firm else name for name, firm in zip(names, company, strict=True)],
            "sex": sex,
            "mail": either(
                rng.random(rows) < 0.06, None, [f"{a}{b}@{c}" for a, b, c in zip(stems, suffix, domains, strict=True)]
            ),
            "mobile": either(rng.random(rows) < 0.04, None, _mobiles(rng, rows)),
            "city_name": [_CITIES[city][0] for city in cities],
            "province": [_CITIES[city][1] for city in cities],
            "job": rng.choice(np.array(_JOBS, dtype=object), rows),
            "origin_channel": rng.choice(_ORIGINS, rows, p=[0.42, 0.2, 0.16, 0.1, 0.05, 0.07]),
            "contact_type": np.where(company, "C", "P"),
            "trait": rng.choice(np.array(_TRAITS, dtype=object), rows),
            "lang": np.where(western, "en", "zh"),
            "test_flag": rng.random(rows) < 0.002,
        }
    )


def _mobiles(rng: np.random.Generator, rows: int) -> list[str]:
    """Return valid-looking Chinese mobile numbers, written the different ways that people write them."""
    prefixes, digits, style = rng.choice(_MOBILE_PREFIXES, rows), rng.integers(0, 10**8, rows), rng.random(rows)
    numbers = []
    for prefix, rest, how in zip(prefixes, digits, style, strict=True):
        tail = f"{rest:08d}"
        plain = f"{prefix}{tail}"
        spaced = f"{prefix} {tail[:4]} {tail[4:]}"
        numbers.append(plain if how < 0.7 else spaced if how < 0.8 else f"+86 {spaced}" if how < 0.93 else f"0086{plain}")
    return numbers


def _set_age(frame: pd.DataFrame, rng: np.random.Generator, bands: np.ndarray, timeline: Timeline) -> None:
    low = np.array([_AGE_BANDS[band][0] for band in bands])
    high = np.array([_AGE_BANDS[band][1] for band in bands])
    age_days = (low * 365.25 + rng.random(len(bands)) * (high - low + 0.9) * 365.25).astype(int)
    born = pd.Timestamp(timeline.last_released) - pd.to_timedelta(age_days, unit="D")
    text = pd.Series(born.strftime("%Y-%m-%d"), index=frame.index, dtype=object)
    frame["dob"] = text.where(rng.random(len(bands)) < 0.85, None)
    frame["age"] = age_days // 365


def _days_before(rng: np.random.Generator, timeline: Timeline, rows: int, low: int, high: int) -> pd.Series:
    return pd.Series(pd.Timestamp(timeline.last_released) - pd.to_timedelta(rng.integers(low, high, rows), unit="D")).astype(
        "datetime64[us]"
    )


def _share_addresses(frame: pd.DataFrame, rng: np.random.Generator) -> None:
    """Give some couples one e-mail, and a club's address to more people than can be one person."""
    rows = len(frame)
    pairs = rng.choice(rows, max(2, rows // 250) // 2 * 2, replace=False)
    half = len(pairs) // 2
    frame.loc[pairs[:half], "mail"] = frame.loc[pairs[half:], "mail"].to_numpy()
    club = rng.choice(rows, min(8, rows // 15), replace=False)
    frame.loc[club, "mail"] = "club@example.org"


def _second_contacts(frame: pd.DataFrame, rng: np.random.Generator, timeline: Timeline) -> pd.DataFrame:
    """Enter a few people twice: months later, through another door, with their address written differently."""
    both = frame[frame["mail"].notna() & frame["mobile"].notna() & (frame["mail"] != "club@example.org")]
    early = both[both["created_on"] < pd.Timestamp(timeline.first_day) + timedelta(days=120)]
    twice = early.sample(max(3, int(len(frame) * DUPLICATE_SHARE)), random_state=int(rng.integers(2**31))).copy()
    rows = len(twice)
    style = rng.random(rows)
    twice["mail"] = either(style < 0.35, twice["mail"].str.upper(), either(style < 0.7, twice["mail"] + " ", None))
    twice["mobile"] = either(style < 0.5, None, "+86" + twice["mobile"].str.replace(r"^(\+86|0086)|\s", "", regex=True))
    twice["mobile"] = twice["mobile"].astype(object).where(twice["mobile"].notna(), None)
    twice["created_on"] = (pd.Timestamp(timeline.first_day) + pd.to_timedelta(rng.integers(130, 300, rows), unit="D")
        + pd.to_timedelta(rng.integers(30000, 70000, rows), unit="s")).astype("datetime64[us]")  # fmt: skip
    twice["origin_channel"], twice["owner_staff"], twice["dob"] = "STORE", None, None
    twice["contact_no"] = "D" + twice["contact_no"].str[1:]
    return twice.assign(is_second=True)
