"""Names, places and slips of the hand for :mod:`retention.samples.duplicates`."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pandas as pd

Text = npt.NDArray[np.object_]
Mask = npt.NDArray[np.bool_]

# Family names with their share of the population in per mille (rounded from published name statistics).
_SURNAMES = {
    "王": 72, "李": 71, "张": 67, "刘": 53, "陈": 45, "杨": 31, "黄": 24, "赵": 23, "吴": 20, "周": 20, "徐": 15, "孙": 15, "马": 13,
    "朱": 13, "胡": 12, "郭": 12, "何": 11, "林": 11, "罗": 10, "高": 10, "郑": 9, "梁": 9, "谢": 8, "宋": 8, "唐": 7, "许": 7, "韩": 7,
    "邓": 7, "冯": 6, "曹": 6, "彭": 6, "曾": 6, "肖": 6, "田": 5, "董": 5, "潘": 5, "袁": 5, "蔡": 5, "蒋": 5, "余": 5, "于": 5, "杜": 5,
    "叶": 4, "程": 4, "魏": 4, "苏": 4, "吕": 4, "丁": 4, "任": 4, "卢": 4, "姚": 4, "沈": 4, "钟": 4, "姜": 4, "崔": 3, "谭": 3, "陆": 3,
    "范": 3, "汪": 3, "廖": 3, "石": 3, "金": 3, "韦": 3, "贾": 3, "夏": 3, "付": 3, "方": 3, "邹": 2, "熊": 2, "白": 2, "孟": 2, "秦": 2,
    "邱": 2, "侯": 2, "江": 2, "尹": 2, "薛": 2, "闫": 2, "段": 2, "雷": 2, "龙": 2, "史": 2, "陶": 2, "黎": 2, "贺": 2, "毛": 2, "郝": 2,
    "龚": 2, "欧阳": 1, "司马": 1, "上官": 1, "诸葛": 1,
}  # fmt: skip
_MALE = "伟强磊军勇杰涛明超刚平辉鹏飞波斌凯浩亮鑫建国志文海宇龙峰俊健华东林成云博阳晨旭泽瑞轩毅诚康宁乐天子家永新德福祥荣庆义江山松柏岩川"
_FEMALE = "芳娜敏静丽艳娟霞秀玲桂英玉红梅兰燕萍慧莉婷雪琳洁倩颖莹佳怡欣梦琪诗悦涵雨思瑶薇蕾珊珍淑凤月春云香菊花金银小晓媛彤岚菲璐宁晴"
_WESTERN_SURNAMES = (
    "Smith Johnson Williams Brown Jones Garcia Miller Davis Rodriguez Martinez Hernandez Lopez Wilson Anderson Thomas Taylor "
    "Moore Jackson Martin Lee Perez Thompson White Harris Sanchez Clark Ramirez Lewis Robinson Walker Young Allen King Wright "
    "Scott Torres Nguyen Hill Flores Green Adams Nelson Baker Hall Rivera Campbell Mitchell Carter Roberts Gomez Phillips Evans "
    "Turner Diaz Parker Cruz Edwards Collins Reyes Stewart Morris Morales Murphy Cook Rogers Peterson Cooper Reed Bailey Bell "
    "Kelly Howard Ward Cox Richardson Wood Watson Brooks Bennett Gray James Hughes Price Myers Long Foster Sanders Ross"
).split()
_WESTERN_MALE = (
    "James Robert John Michael David William Richard Joseph Thomas Charles Christopher Daniel Matthew Anthony Mark Donald Steven "
    "Paul Andrew Joshua Kenneth Kevin Brian George Timothy Ronald Edward Jason Jeffrey Ryan Jacob Gary Nicholas Eric Jonathan"
).split()
_WESTERN_FEMALE = (
    "Mary Patricia Jennifer Linda Elizabeth Barbara Susan Jessica Sarah Karen Lisa Nancy Betty Margaret Sandra Ashley Kimberly "
    "Emily Donna Michelle Carol Amanda Dorothy Melissa Deborah Stephanie Rebecca Sharon Laura Cynthia Kathleen Amy Angela"
).split()
_NICKNAMES = {
    "Robert": "Bob", "William": "Bill", "James": "Jim", "Michael": "Mike", "Richard": "Rick", "Thomas": "Tom", "Charles": "Charlie",
    "Joseph": "Joe", "David": "Dave", "Daniel": "Dan", "Matthew": "Matt", "Anthony": "Tony", "Christopher": "Chris", "Andrew": "Drew",
    "Edward": "Ted", "Kenneth": "Ken", "Timothy": "Tim", "Jeffrey": "Jeff", "Nicholas": "Nick", "Elizabeth": "Liz", "Margaret": "Maggie",
    "Jennifer": "Jen", "Susan": "Sue", "Patricia": "Pat", "Barbara": "Barb", "Deborah": "Debbie", "Rebecca": "Becky", "Jessica": "Jess",
    "Amanda": "Mandy", "Kimberly": "Kim", "Stephanie": "Steph", "Kathleen": "Kathy",
}  # fmt: skip
# What an input method offers for the same sound; written down apart from what linkage knows, some of it unknown there.
_SOUNDS_LIKE = {
    "伟": "维玮炜纬", "芳": "方坊", "敏": "闽旻", "静": "靖婧", "丽": "莉俐", "磊": "蕾垒", "军": "君钧", "勇": "永甬", "艳": "燕焱", "杰": "洁婕",
    "娟": "涓隽", "涛": "滔焘", "明": "铭鸣", "超": "潮", "秀": "绣琇", "霞": "侠遐", "平": "萍评", "刚": "钢纲", "英": "瑛颖", "华": "桦烨",
    "玉": "钰郁", "红": "宏泓", "建": "健键", "文": "雯纹", "辉": "晖徽", "鹏": "朋棚", "飞": "菲绯", "波": "博玻", "斌": "彬宾", "凯": "恺铠",
    "浩": "昊颢", "云": "芸沄", "婷": "亭停", "雪": "学", "梅": "玫枚", "兰": "岚栏", "欣": "新馨", "玲": "铃翎", "海": "嗨", "龙": "隆珑",
    "佳": "嘉家", "怡": "宜贻", "小": "晓筱", "晓": "小筱", "思": "斯丝", "子": "梓紫", "轩": "萱宣", "涵": "晗含", "诗": "师", "悦": "玥月",
    "瑞": "睿锐", "倩": "茜", "珊": "姗", "国": "果", "东": "冬", "峰": "锋枫", "志": "智致", "成": "诚承", "晨": "辰宸", "宇": "雨羽",
}  # fmt: skip
CITIES = (
    ("上海", "上海", 9), ("北京", "北京", 9), ("深圳", "广东", 8), ("广州", "广东", 8), ("重庆", "重庆", 7), ("成都", "四川", 7), ("杭州", "浙江", 6),
    ("武汉", "湖北", 6), ("苏州", "江苏", 5), ("南京", "江苏", 5), ("西安", "陕西", 5), ("天津", "天津", 5), ("长沙", "湖南", 4), ("郑州", "河南", 4),
    ("青岛", "山东", 4), ("济南", "山东", 3), ("宁波", "浙江", 3), ("合肥", "安徽", 3), ("厦门", "福建", 3), ("福州", "福建", 3), ("大连", "辽宁", 2),
    ("沈阳", "辽宁", 2), ("昆明", "云南", 2), ("哈尔滨", "黑龙江", 2), ("无锡", "江苏", 2), ("佛山", "广东", 2), ("东莞", "广东", 2), ("温州", "浙江", 1),
    ("南昌", "江西", 1), ("兰州", "甘肃", 1),
)  # fmt: skip
CITY_SHARES = np.array([share for _, _, share in CITIES]) / sum(share for _, _, share in CITIES)
DOMAINS = ["163.com", "126.com", "sina.com", "gmail.com", "outlook.com", "foxmail.com", "example.org"]
DOMAIN_SHARES = [0.35, 0.15, 0.1, 0.15, 0.1, 0.1, 0.05]
PLACEHOLDER_PHONES = np.array(["13800138000", "13888888888", "11111111111", "000000", "13000000000"], dtype=object)
PLACEHOLDER_DATES = np.array(["1900-01-01", "1970-01-01", "2000-01-01"], dtype=object)


def _skewed(size: int) -> npt.NDArray[np.float64]:
    weights = 1.0 / (np.arange(size) + 6.0)
    return np.asarray(weights / weights.sum())


def _draw(rng: np.random.Generator, values: list[str], count: int, shares: npt.NDArray[np.float64] | None = None) -> Text:
    return np.array(values, dtype=object)[rng.choice(len(values), size=count, p=_skewed(len(values)) if shares is None else shares)]


def surnames(rng: np.random.Generator, western: Mask) -> Text:
    """Draw family names by their frequency."""
    shares = np.array(list(_SURNAMES.values()), dtype=float)
    chinese = _draw(rng, list(_SURNAMES), len(western), shares / shares.sum())
    return np.asarray(np.where(western, _draw(rng, _WESTERN_SURNAMES, len(western)), chinese), dtype=object)


def given_names(rng: np.random.Generator, western: Mask, female: Mask) -> Text:
    """Draw given names by gender; one Chinese given name in five has one character."""
    count = len(western)
    single = rng.random(count) < 0.2
    chinese = np.where(female, _draw(rng, list(_FEMALE), count), _draw(rng, list(_MALE), count))
    second = np.where(female, _draw(rng, list(_FEMALE), count), _draw(rng, list(_MALE), count))
    latin = np.where(female, _draw(rng, _WESTERN_FEMALE, count), _draw(rng, _WESTERN_MALE, count))
    return np.asarray(np.where(western, latin, np.where(single, chinese, chinese + second)), dtype=object)


def companies(rng: np.random.Generator, count: int, city: Text) -> Text:
    """Draw names of companies."""
    parts = [_draw(rng, list("华中大金宏鑫远恒瑞盛泰安信达通利丰美佳诚"), count, np.full(20, 0.05)) for _ in range(3)]
    kind = _draw(rng, ["贸易", "科技", "食品", "物流", "餐饮管理"], count)
    return np.asarray(city + parts[0] + parts[1] + parts[2] + kind + "有限公司", dtype=object)


def slip(rng: np.random.Generator, values: Text, chosen: Mask, alphabet: str, until: str | None = None) -> Text:
    """Change one character of the chosen values, or swap two neighbours; what follows ``until`` stays."""
    values = values.copy()
    for place in np.flatnonzero(chosen):
        text = values[place]
        end = text.find(until) if until and until in text else len(text)
        if end < 2:
            continue
        at = int(rng.integers(1, end))
        if rng.random() < 0.4:
            values[place] = text[: at - 1] + text[at] + text[at - 1] + text[at + 1 :]
        else:
            values[place] = text[:at] + alphabet[int(rng.integers(len(alphabet)))] + text[at + 1 :]
    return values


def slip_names(rng: np.random.Generator, values: Text, chosen: Mask, western: Mask) -> Text:
    """Misspell the chosen names: mostly a character of the same sound; a letter left out, doubled or exchanged in the West."""
    values = values.copy()
    others = _MALE + _FEMALE
    for place in np.flatnonzero(chosen):
        text = values[place]
        at = int(rng.integers(1, len(text)))
        if western[place]:
            way = rng.integers(3)
            letter = "aeiou"[int(rng.integers(5))]
            values[place] = (text[:at] + text[at + 1 :], text[:at] + text[at - 1] + text[at:], text[:at] + letter + text[at + 1 :])[way]
            continue
        alike = _SOUNDS_LIKE.get(text[at], "")
        pool = alike if alike and rng.random() < 0.8 else others
        values[place] = text[:at] + pool[int(rng.integers(len(pool)))] + text[at + 1 :]
    return values


def vary_names(rng: np.random.Generator, records: pd.DataFrame, values: Text, chosen: Mask, western: Mask) -> Text:
    """Write the chosen names another way: nickname, initial or family name first; a title in place of the given name."""
    values = values.copy()
    given, surname, female = (records[column].to_numpy() for column in ("given", "surname", "female"))
    for place in np.flatnonzero(chosen):
        if western[place]:
            first, last = given[place], surname[place]
            ways: Iterator[str] = iter((f"{last}, {first}", f"{last} {first}", f"{first[0]}. {last}", f"{_NICKNAMES.get(first, first)} {last}"))
            values[place] = list(ways)[int(rng.integers(4))]
        elif rng.random() < 0.5:
            values[place] = surname[place] + ("女士" if female[place] else "先生")
        else:
            values[place] = f" {surname[place]} {given[place]} "
    return values


def swap_day_and_month(values: Text, chosen: Mask) -> Text:
    """Exchange day and month of the chosen dates where both are months."""
    values = values.copy()
    for place in np.flatnonzero(chosen):
        year, month, day = values[place].split("-")
        if int(day) <= 12:
            values[place] = f"{year}-{day}-{month}"
    return values


def slip_dates(rng: np.random.Generator, values: Text, chosen: Mask) -> Text:
    """Mistype one digit of the chosen dates; a date that is none is left as it was."""
    values = values.copy()
    for place in np.flatnonzero(chosen):
        text = values[place]
        at = int(rng.choice([2, 3, 5, 6, 8, 9]))
        mistyped = text[:at] + str(int(rng.integers(10))) + text[at + 1 :]
        try:
            np.datetime64(mistyped, "D")
        except ValueError:
            continue
        if mistyped < "2010":
            values[place] = mistyped
    return values
