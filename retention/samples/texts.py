# ruff: noqa: E501 - texts and tables of texts read better on one line
"""What the sample company's customers write, in Chinese and English: templates with enough variety to be read by a model."""

from __future__ import annotations

import numpy as np

COMPLAINTS: dict[str, dict[str, list[str]]] = {
    "quality": {
        "zh": ["{item}打开就发现变质了，{feel}。", "买的{item}有异味，{feel}，{ask}。", "{item}日期新鲜但里面已经发霉，{ask}。",
               "{item}和图片完全不一样，质量太差，{feel}。", "孩子吃了{item}后肚子不舒服，{feel}，{ask}。"],
        "en": ["The {item} was spoiled when I opened it, {feel}.", "Found mould in the {item}. {ask}.", "{item}: broken seal and stale taste, {feel}.",
               "The {item} made my child feel sick. {ask}.", "Poor quality {item}, nothing like what I usually buy, {feel}."],
    },
    "delivery": {
        "zh": ["配送晚了{n}个小时，{item}都化了，{feel}。", "{item}漏送，打电话没人接，{ask}。", "包装破损，{item}洒了一地，{feel}。",
               "说好上午到，晚上才送，{feel}，{ask}。"],
        "en": ["Delivery came {n} hours late and the {item} had thawed, {feel}.", "The {item} was missing from my delivery. {ask}.",
               "The box was torn and the {item} leaked everywhere, {feel}.", "Nobody told me the delivery would be late. {ask}."],
    },
    "price": {
        "zh": ["货架上标的{item}是特价，收银按原价收，{ask}。", "优惠券不能用在{item}上，没有提前说明，{feel}。", "同样的{item}别家便宜很多，{feel}。"],
        "en": ["The shelf said {item} was on sale but I was charged full price. {ask}.", "My coupon for {item} was refused, {feel}.",
               "You raised the price of {item} again, {feel}."],
    },
    "service": {
        "zh": ["收银员态度很差，{feel}。", "问{item}在哪里，员工爱理不理，{feel}。", "排队等了{n}十分钟只开一个收银台，{feel}。", "客服电话转了{n}次也没解决，{ask}。"],
        "en": ["The cashier was rude to me, {feel}.", "Asked where the {item} was and was ignored, {feel}.", "Only one till open, {n}0 minutes in line, {feel}.",
               "Passed on {n} times by your hotline and still no answer. {ask}."],
    },
    "app": {
        "zh": ["App付款后订单消失了，{ask}。", "App一打开{item}页面就闪退，{feel}。", "扣了两次款，{ask}。"],
        "en": ["Paid in the app and the order vanished. {ask}.", "The app crashes whenever I open {item}, {feel}.", "I was charged twice. {ask}."],
    },
    "return": {
        "zh": ["{item}退货一周了还没收到退款，{ask}。", "门店拒绝退{item}，{feel}。"],
        "en": ["Returned the {item} {n} days ago, still no refund. {ask}.", "The shop refused to take the {item} back, {feel}."],
    },
}  # fmt: skip
FEELINGS = {
    "zh": ["非常失望", "以后不会再来了", "希望改进", "太生气了", "有点不满意", "对你们很失望"],
    "en": [
        "very disappointed",
        "I will not come back",
        "please do better",
        "this is unacceptable",
        "not happy",
        "I am losing patience",
    ],
}
REQUESTS = {
    "zh": ["请尽快退款", "要求换货", "请给个说法", "希望补偿", "请回电"],
    "en": ["Please refund me", "I want a replacement", "Please explain", "I expect compensation", "Please call me back"],
}
COMMENTS = {
    "good": {"zh": ["一直很满意", "东西新鲜，会推荐朋友", "送货快", "店员热情", "价格公道，常来"],
             "en": ["Always fresh", "Friendly staff", "Quick delivery, will recommend", "Good value", "My favourite shop"]},
    "middle": {"zh": ["还可以", "一般般", "选择再多一点就好了", "价格略高"], "en": ["It is okay", "Could be cheaper", "More choice please", "Average"]},
    "bad": {"zh": ["排队太久", "质量下降了", "投诉没人管", "越来越贵", "不会推荐"],
            "en": ["Queues too long", "Quality went down", "Nobody answered my complaint", "Too expensive now", "Would not recommend"]},
}  # fmt: skip
MENTIONS = {
    "positive": {"zh": ["{item}真的好用，已经回购{n}次！", "被{item}惊艳到了，推荐", "这家的{item}很新鲜👍"],
                 "en": ["Love the {item}, bought it {n} times", "The {item} here is really good 👍", "Best {item} in town"]},
    "neutral": {"zh": ["今天去买了{item}", "有人试过{item}吗？", "{item}打折到周{n}"],
                "en": ["Anyone tried the {item}?", "Got some {item} today", "{item} on offer until the {n}th"]},
    "negative": {"zh": ["{item}踩雷了，别买", "{item}又涨价了，无语", "{item}质量一言难尽😡"],
                 "en": ["Avoid the {item}", "{item} got more expensive again, seriously?", "The {item} was a let-down 😡"]},
}  # fmt: skip


def phrase(rng: np.random.Generator, templates: dict[str, list[str]], language: str, item: str) -> str:
    """Return one text of the templates of a language, filled in."""
    pool = templates[language]
    text = pool[int(rng.integers(len(pool)))]
    feel, ask = FEELINGS[language], REQUESTS[language]
    return text.format(
        item=item,
        n=int(rng.integers(2, 7)),
        feel=feel[int(rng.integers(len(feel)))],
        ask=ask[int(rng.integers(len(ask)))],
    )
