"""A company whose customers write: complaints, survey comments and mentions with known labels, straight into core."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import numpy as np
import sqlalchemy as sa

from retention.samples.texts import COMMENTS, COMPLAINTS, MENTIONS, phrase
from retention.warehouse import Run

ITEMS = {"en": ["milk", "bread", "cheese", "shampoo", "coffee"], "zh": ["牛奶", "面包", "奶酪", "洗发水", "咖啡"]}
# The company's own words for its topics: what a model must learn and no lexicon can know.
OWN_NAMES = {
    "quality": "freshness",
    "delivery": "delivery",
    "price": "till & price",
    "service": "people",
    "app": "app",
    "return": "return",
}


def write(run: Run, complaints: int = 260, comments: int = 160, mentions: int = 60, seed: int = 3) -> None:
    """Texts of the 300 days before the as-of date."""
    rng = np.random.default_rng(seed)
    start = run.as_of - timedelta(days=300)

    def at() -> datetime:
        return start + timedelta(minutes=int(rng.integers(0, 299 * 1440)))

    def said(templates: dict[str, list[str]]) -> str:
        language = ("zh", "en")[int(rng.integers(2))]
        return phrase(rng, templates, language, ITEMS[language][int(rng.integers(5))])

    cases = []
    for number in range(complaints):
        topic = list(COMPLAINTS)[int(rng.integers(len(COMPLAINTS)))]
        grave = rng.random() < 0.25
        # Severity shows in the text, as it would where somebody read it before noting it.
        text = said(COMPLAINTS[topic]) + ("，我要去医院检查" if grave else "")
        cases.append(case(number, at(), text, OWN_NAMES[topic], "severe" if grave else "minor"))
    insert(run, "core.complaint", cases)
    answers = []
    for number in range(comments):
        mood = ("good", "middle", "bad")[int(rng.integers(3))]
        score = {"good": 9, "middle": 7, "bad": 3}[mood]
        comment = f"{ITEMS['en'][number % 5]} {ITEMS['zh'][number // 5 % 5]}: {said(COMMENTS[mood])}"
        answers.append(answer(number, at(), comment, score))
    insert(run, "core.survey_answer", answers)
    insert(
        run,
        "core.external_mention",
        [
            mention(number, at(), said(MENTIONS[mood]), mood)
            for number in range(mentions)
            for mood in [list(MENTIONS)[number % 3]]
        ],
    )


def case(
    number: int, opened: datetime, text: str | None, category: str | None, severity: str | None, **more: Any
) -> dict[str, Any]:
    """A row of core.complaint."""
    return {
        "complaint_key": 7_000_000 + number, "valid_from": opened, "version_at": opened, "complaint_id": f"K{number}",
        "source_customer_key": 100 + number % 150, "customer_key": 100 + number % 150, "category": category,
        "severity": severity, "text": text, "opened_at": opened, "source": "test", "batch_id": 1, "is_simulated": True, **more,
    }  # fmt: skip


def answer(number: int, at: datetime, comment: str | None, score: int, instrument: str = "nps", **more: Any) -> dict[str, Any]:
    """A row of core.survey_answer."""
    return {
        "answer_key": 8_000_000 + number, "source_customer_key": 100 + number % 150, "customer_key": 100 + number % 150,
        "happened_at": at, "instrument": instrument, "score": score, "comment": comment, "source": "test", "batch_id": 1,
        "updated_at": at, "is_simulated": True, **more,
    }  # fmt: skip


def mention(number: int, at: datetime, text: str | None, sentiment: str | None, **more: Any) -> dict[str, Any]:
    """A row of core.external_mention."""
    return {
        "mention_key": 9_000_000 + number, "platform": "weibo", "text": text, "sentiment": sentiment, "happened_at": at,
        "source": "test", "batch_id": 1, "updated_at": at, "is_simulated": True, **more,
    }  # fmt: skip


def insert(run: Run, table: str, rows: list[dict[str, Any]]) -> None:
    """Insert rows that all have the columns of the first."""
    if not rows:
        return
    names = ", ".join(rows[0])
    binds = ", ".join(f":{name}" for name in rows[0])
    with run.warehouse.begin() as connection:
        connection.execute(sa.text(f"insert into {table} ({names}) values ({binds})"), rows)
