"""Texts from core to `scores.text_label`: learned, measured, as of a date, carried forward, marked where the lexicon read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import sqlalchemy as sa

from retention.models import artifacts, registry
from retention.models.registry import RegisteredModel
from retention.models.report.data import Measured
from retention.models.text.corpus import texts
from retention.models.text.labels import TEXT_FALLBACK, rows
from retention.models.text.reading import TextModel
from retention.models.text.training import decide, train_text
from retention.models.value import TooLittleData
from retention.quality import check_slices
from retention.warehouse import Run, load_contract, stage_writer
from tests.retention.models.voices import answer, case, insert, mention, write

TABLE = "scores.text_label"


def publish(run: Run) -> pd.DataFrame:
    """Publish the day's labels as scoring does."""
    frame = rows(run)[TABLE]
    with stage_writer(run, "scores") as writer:
        writer.fill_arrow(TABLE, frame)
        check_slices(writer)
        writer.publish()
    return frame.set_index(["text_kind", "text_key"])


def test_topics_are_learned_from_the_companys_own_names(make_run: Callable[..., Run], home: Path) -> None:
    run = make_run()
    write(run)
    model = train_text(run)
    assert model.state == "champion", model.decision
    assert model.decision.startswith("promoted for topic, severity")
    # The lexicon was written with these very templates in view: what cannot beat it surely does not replace it.
    assert "the lexicon goes on reading sentiment" in model.decision
    assert train_text(run) == registry.find(run.warehouse, model.model_version)  # a retry trains nothing

    labels = publish(run)
    with run.warehouse.connect() as connection:
        stored = connection.execute(sa.text(f"select count(*), count(customer_key) from {TABLE}")).one()
        stated = connection.execute(sa.text("select complaint_key, category from core.complaint")).all()
        measured = connection.execute(sa.text("select candidate, metric from ops.model_evaluation")).all()
    assert tuple(stored) == (480, 420)  # mentions have no customer
    found = labels.loc["complaint", "topic"]
    assert np.mean([found[key] == category for key, category in stated]) > 0.95
    assert set(labels.loc["complaint", "topic_basis"]) == {"model"}
    assert set(labels["sentiment_basis"]) == {"lexicon"}
    assert labels["is_fallback"].all()  # sentiment comes from the lexicon
    assert set(measured) >= {
        ("challenger", "topic_macro_f1"),
        ("lexicon", "topic_macro_f1"),
        ("most_frequent", "severity_accuracy"),
    }

    # Nothing of what was written is kept: no column for it, and no sentence in the model file.
    assert not {"text", "written", "comment"} & set(load_contract(TABLE).column_names)
    content = (home / "models" / model.file_name).read_bytes()
    assert not [text for text in texts(run, 365)["written"] if text.encode() in content]


def test_the_order_of_rows_changes_neither_model_nor_labels(
    make_run: Callable[..., Run], home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from retention.models.text import corpus, training

    run = make_run()
    write(run, complaints=220, comments=0, mentions=0)
    first = train_text(run)
    learned = artifacts.load(first.file_name, first.file_sha256)[0]
    with run.warehouse.begin() as connection:
        connection.execute(sa.text("delete from ops.model_evaluation"))
        connection.execute(sa.text("delete from ops.model"))
    shuffled = corpus.texts(run, run.settings.text.training_days).sample(frac=1, random_state=3)
    monkeypatch.setattr(training, "texts", lambda run, days: shuffled)
    second = train_text(run)
    assert second.model_version == first.model_version
    again = artifacts.load(second.file_name, second.file_sha256)[0]
    assert isinstance(learned, TextModel)
    assert isinstance(again, TextModel)
    for task, classifier in learned.classifiers.items():
        assert again.classifiers[task].vocabulary == classifier.vocabulary
        np.testing.assert_array_equal(again.classifiers[task].weights, classifier.weights)


def test_labels_by_chance_teach_nothing_and_the_lexicon_stays(make_run: Callable[..., Run], home: Path) -> None:
    run = make_run()
    write(run, complaints=220, comments=0, mentions=0)
    with run.warehouse.begin() as connection:
        connection.exec_driver_sql(
            "update core.complaint set category = null, "
            "severity = case when mod(hashint8(complaint_key * 31), 2) = 0 then 'minor' else 'medium' end"
        )
    model = train_text(run)
    assert model.state == "challenger"
    assert "reads nothing better than the lexicon and the most frequent label" in model.decision
    labels = publish(run)
    assert set(labels["model_version"]) == {TEXT_FALLBACK}


def test_a_worse_challenger_does_not_replace_the_champion(make_run: Callable[..., Run], home: Path) -> None:
    run = make_run()
    write(run, complaints=220, comments=0, mentions=0)
    champion = train_text(run)
    other = replace(run, settings=replace(run.settings, text=replace(run.settings.text, seed=1)))
    again = train_text(other)
    assert again.state == "challenger"
    assert f"no better than champion {champion.model_version}" in again.decision
    verdict = decide({"challenger": {}, "lexicon": {}}, [], {"topic": "topic: 3 labelled texts"}, None)
    assert not verdict.promoted
    assert verdict.reason.endswith("; topic: 3 labelled texts")


def test_what_the_lexicon_goes_on_reading_earns_a_challenger_nothing() -> None:
    def f1(topic: float, severity: float) -> dict[str, Measured]:
        return {"topic_macro_f1": Measured(topic, None, None), "severity_macro_f1": Measured(severity, None, None)}

    champion = RegisteredModel(
        "text-1", "text", "champion", date(2026, 1, 1), date(2026, 1, 1), "d", 0, "f", "s", 1, {}, {}, ""
    )
    # As good at topics; better at severity, but not surely better than the lexicon, which goes on reading it.
    measured = {"challenger": f1(0.8, 0.7), "lexicon": f1(0.5, 0.6), "champion": f1(0.8, 0.6)}
    assert not decide(measured, ["topic"], {}, champion).promoted
    assert decide(measured, ["topic", "severity"], {}, champion).promoted


def test_too_little_to_learn_from_is_said_and_the_lexicon_reads(make_run: Callable[..., Run], home: Path) -> None:
    run = make_run()
    write(run, complaints=12, comments=6, mentions=3)
    with pytest.raises(TooLittleData, match=r"topic: 12 labelled texts, 200 are needed .*; sentiment: 9 labelled texts"):
        train_text(run)
    labels = publish(run)
    assert len(labels) == 21
    assert labels["is_fallback"].all()
    assert set(labels["model_version"]) == {TEXT_FALLBACK}
    assert labels["topic_probability"].isna().all()


def test_a_company_without_texts_has_an_empty_slice(make_run: Callable[..., Run], home: Path) -> None:
    assert publish(make_run()).empty


def test_texts_are_read_as_they_stood(make_run: Callable[..., Run], home: Path) -> None:
    run = make_run()
    as_of, day = run.as_of, timedelta(days=1)
    # Ana's case was about delivery at the date; the desk rewrote it the day after.
    ana = case(1, as_of - 9 * day, "配送晚了三个小时", "delivery", "minor")
    insert(run, "core.complaint", [{**ana, "valid_to": as_of + day}])
    insert(run, "core.complaint", [{**ana, "valid_from": as_of + day, "version_at": as_of + day, "text": "商品发霉了"}])
    # Bo's case was taken back before the date; Cai's comes after it, Dou's is from long ago, Eva left no words.
    insert(run, "core.complaint", [case(2, as_of - 9 * day, "Mouldy bread", "quality", "minor", deleted_at=as_of - day)])
    insert(run, "core.complaint", [
        case(3, as_of + day, "Mouldy bread", "quality", "minor"),
        case(4, as_of - 400 * day, "Mouldy bread", "quality", "minor"),
        case(5, as_of - 3 * day, "   ", "quality", "minor"),
    ])  # fmt: skip
    # Fay praised, and corrected herself after the date.
    insert(run, "core.survey_answer_version", [answer(1, as_of - 5 * day, "Very good", 10)])
    insert(run, "core.survey_answer", [{**answer(1, as_of - 5 * day, "Terrible", 0), "updated_at": as_of + day}])
    insert(run, "core.external_mention", [mention(1, as_of - 2 * day, "好用，推荐", "positive")])

    found = texts(run, 365).set_index(["text_kind", "text_key"])
    assert found["written"].tolist() == ["配送晚了三个小时", "好用，推荐", "Very good"]
    assert found["stated_sentiment"].tolist()[1:] == ["positive", "positive"]
    labels = publish(run)
    assert labels.loc[("complaint", 7_000_001), "topic"] == "delivery"
    assert labels["sentiment"].tolist()[1:] == ["positive", "positive"]


def test_a_text_is_read_once_and_again_when_it_changes(
    make_run: Callable[..., Run], home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = make_run(date(2026, 3, 31))
    write(first, complaints=5, comments=4, mentions=3)
    before = publish(first)
    read: list[str] = []
    original = TextModel.read
    monkeypatch.setattr(TextModel, "read", lambda self, said, kinds: (read.extend(said), original(self, said, kinds))[1])
    second = replace(first, business_date=date(2026, 4, 1))
    insert(second, "core.complaint", [case(77, first.as_of + timedelta(hours=2), "Late delivery", None, None)])
    with second.warehouse.begin() as connection:
        connection.exec_driver_sql(
            "update core.external_mention set text = 'Best shop', updated_at = timestamptz '2026-04-01 09:00+08' "
            "where mention_key = 9000000"
        )
    after = publish(second)
    assert sorted(read) == ["Best shop", "Late delivery"]
    same = before.drop(index=("mention", 9_000_000)).drop(columns="as_of_date")
    pd.testing.assert_frame_equal(after.loc[same.index].drop(columns="as_of_date"), same, check_dtype=False)

    # With another lexicon nothing may be carried forward.
    from retention.models.text import labels as module

    read.clear()
    monkeypatch.setattr(module, "lexicon_version", lambda: "another")
    publish(second)
    assert len(read) == len(after)
