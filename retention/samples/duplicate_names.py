"""Names, places and slips of the hand for :mod:`retention.samples.duplicates`."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pandas as pd

Text = npt.NDArray[np.object_]
Mask = npt.NDArray[np.bool_]


def _words(text: str) -> list[str]:
    """Read words with spaces between them."""
    return text.split()


def _shares(text: str) -> dict[str, int]:
    """Read names with their share behind them: ``王72 李71``."""
    return {entry.rstrip("0123456789"): int(entry.lstrip(entry.rstrip("0123456789"))) for entry in text.split()}


# Family names with their share of the population in per mille (rounded from published name statistics).
_SURNAMES = _shares(
    "王72 李71 张67 刘53 陈45 杨31 黄24 赵23 吴20 周20 徐15 孙15 马13 朱13 胡12 郭12 何11 林11 "
    "罗10 高10 郑9 梁9 谢8 宋8 唐7 许7 韩7 邓7 冯6 曹6 彭6 曾6 肖6 田5 董5 潘5 "
    "袁5 蔡5 蒋5 余5 于5 杜5 叶4 程4 魏4 苏4 吕4 丁4 任4 卢4 姚4 沈4 钟4 姜4 "
    "崔3 谭3 陆3 范3 汪3 廖3 石3 金3 韦3 贾3 夏3 付3 方3 邹2 熊2 白2 孟2 秦2 "
    "邱2 侯2 江2 尹2 薛2 闫2 段2 雷2 龙2 史2 陶2 黎2 贺2 毛2 郝2 龚2 欧阳1 司马1 "
    "上官1 诸葛1 "
)
_MALE = (
    "伟强磊军勇杰涛明超刚平辉鹏飞波斌凯浩亮鑫建国志文海宇龙峰俊健华东"
    "林成云博阳晨旭泽瑞轩毅诚康宁乐天子家永新德福祥荣庆义江山松柏岩川"
)
_FEMALE = (
    "芳娜敏静丽艳娟霞秀玲桂英玉红梅兰燕萍慧莉婷雪琳洁倩颖莹佳怡欣梦琪诗悦涵雨思瑶薇蕾珊珍淑凤月春云香菊花金银小晓媛彤岚菲璐宁晴"
)
_WESTERN_SURNAMES = _words(
    "Smith Johnson Williams Brown Jones Garcia Miller Davis Rodriguez Martinez Hernandez Lopez Wilson Anderson "
    "Thomas Taylor Moore Jackson Martin Lee Perez Thompson White Harris Sanchez Clark Ramirez Lewis Robinson Walker "
    "Young Allen King Wright Scott Torres Nguyen Hill Flores Green Adams Nelson Baker Hall Rivera Campbell Mitchell "
    "Carter Roberts Gomez Phillips Evans Turner Diaz Parker Cruz Edwards Collins Reyes Stewart Morris Morales "
    "Murphy Cook Rogers Peterson Cooper Reed Bailey Bell Kelly Howard Ward Cox Richardson Wood Watson Brooks "
    "Bennett Gray James Hughes Price Myers Long Foster Sanders Ross "
)
_WESTERN_MALE = _words(
    "James Robert John Michael David William Richard Joseph Thomas Charles Christopher Daniel Matthew Anthony Mark "
    "Donald Steven Paul Andrew Joshua Kenneth Kevin Brian George Timothy Ronald Edward Jason Jeffrey Ryan Jacob "
    "Gary Nicholas Eric Jonathan "
)
_WESTERN_FEMALE = _words(
    "Mary Patricia Jennifer Linda Elizabeth Barbara Susan Jessica Sarah Karen Lisa Nancy Betty Margaret Sandra "
    "Ashley Kimberly Emily Donna Michelle Carol Amanda Dorothy Melissa Deborah Stephanie Rebecca Sharon Laura "
    "Cynthia Kathleen Amy Angela "
)
_NICKNAMES = dict(
    pair.split("=")
    for pair in _words(
        "Robert=Bob William=Bill James=Jim Michael=Mike Richard=Rick Thomas=Tom Charles=Charlie Joseph=Joe David=Dave "
        "Daniel=Dan Matthew=Matt Anthony=Tony Christopher=Chris Andrew=Drew Edward=Ted Kenneth=Ken Timothy=Tim "
        "Jeffrey=Jeff Nicholas=Nick Elizabeth=Liz Margaret=Maggie Jennifer=Jen Susan=Sue Patricia=Pat Barbara=Barb "
        "Deborah=Debbie Rebecca=Becky Jessica=Jess Amanda=Mandy Kimberly=Kim Stephanie=Steph Kathleen=Kathy "
    )
)
# What an input method offers for the same sound; written down apart from what linkage knows, some of it unknown there.
_SOUNDS_LIKE = {
    group[0]: group[1:]
    for group in _words(
        "伟维玮炜纬 芳方坊 敏闽旻 静靖婧 丽莉俐 磊蕾垒 军君钧 勇永甬 艳燕焱 杰洁婕 娟涓隽 涛滔焘 明铭鸣 超潮 "
        "秀绣琇 霞侠遐 平萍评 刚钢纲 英瑛颖 华桦烨 玉钰郁 红宏泓 建健键 文雯纹 辉晖徽 鹏朋棚 飞菲绯 波博玻 "
        "斌彬宾 凯恺铠 浩昊颢 云芸沄 婷亭停 雪学 梅玫枚 兰岚栏 欣新馨 玲铃翎 海嗨 龙隆珑 佳嘉家 怡宜贻 "
        "小晓筱 晓小筱 思斯丝 子梓紫 轩萱宣 涵晗含 诗师 悦玥月 瑞睿锐 倩茜 珊姗 国果 东冬 峰锋枫 志智致 "
        "成诚承 晨辰宸 宇雨羽 "
    )
}
CITIES = [
    (entry.split("/")[0], entry.split("/")[1], int(entry.split("/")[2]))
    for entry in _words(
        "上海/上海/9 北京/北京/9 深圳/广东/8 广州/广东/8 重庆/重庆/7 成都/四川/7 杭州/浙江/6 "
        "武汉/湖北/6 苏州/江苏/5 南京/江苏/5 西安/陕西/5 天津/天津/5 长沙/湖南/4 郑州/河南/4 "
        "青岛/山东/4 济南/山东/3 宁波/浙江/3 合肥/安徽/3 厦门/福建/3 福州/福建/3 大连/辽宁/2 "
        "沈阳/辽宁/2 昆明/云南/2 哈尔滨/黑龙江/2 无锡/江苏/2 佛山/广东/2 东莞/广东/2 "
        "温州/浙江/1 南昌/江西/1 兰州/甘肃/1 "
    )
]
CITY_SHARES = np.array([share for _, _, share in CITIES]) / sum(share for _, _, share in CITIES)
DOMAINS = ["163.com", "126.com", "sina.com", "gmail.com", "outlook.com", "foxmail.com", "example.org"]
DOMAIN_SHARES = [0.35, 0.15, 0.1, 0.15, 0.1, 0.1, 0.05]
PLACEHOLDER_PHONES = np.array(["13800138000", "13888888888", "11111111111", "000000", "13000000000"], dtype=object)
PLACEHOLDER_DATES = np.array(["1900-01-01", "1970-01-01", "2000-01-01"], dtype=object)


def _skewed(size: int) -> npt.NDArray[np.float64]:
    weights = 1.0 / (np.arange(size) + 6.0)
    return np.asarray(weights / weights.sum())


def _draw(rng: np.random.Generator, values: list[str], count: int, shares: npt.NDArray[np.float64] | None = None) -> Text:
    return np.array(values, dtype=object)[
        rng.choice(len(values), size=count, p=_skewed(len(values)) if shares is None else shares)
    ]


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
            values[place] = (
                text[:at] + text[at + 1 :],
                text[:at] + text[at - 1] + text[at:],
                text[:at] + letter + text[at + 1 :],
            )[way]
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
            ways: Iterator[str] = iter(
                (f"{last}, {first}", f"{last} {first}", f"{first[0]}. {last}", f"{_NICKNAMES.get(first, first)} {last}")
            )
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
