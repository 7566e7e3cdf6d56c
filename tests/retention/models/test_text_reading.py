"""Words, terms and readings of texts: Chinese and English, without a database."""

from __future__ import annotations

import numpy as np
import pytest

from retention.models.text.classifier import LEAST_WRITERS_OF_A_TERM, TermClassifier
from retention.models.text.evaluation import Compared
from retention.models.text.lexicon import lexicon
from retention.models.text.reading import TextModel
from retention.models.text.tokens import language, masked, normalise, terms

# Written for this test, not for the lexicon: what is asked of it is most, not all.
UNSEEN = [
    ("The yoghurt was rotten and smelled awful", "quality", "negative"),
    ("蛋糕已经馊了，闻着就臭", "quality", "negative"),
    ("Courier left my parcel in the rain, two days late", "delivery", "negative"),
    ("快递员把包裹扔在门口，鸡蛋全碎了", "delivery", "negative"),
    ("Why is everything so expensive compared with last month?", "price", "negative"),
    ("满减活动价和实际付的不一样，多收了我二十块", "price", "negative"),
    ("Your staff were friendly and helpful, thank you", "service", "positive"),
    ("店员很热情，服务态度非常好", "service", "positive"),
    ("The app crashes at checkout", "app", "negative"),
    ("小程序登录不上，验证码一直收不到", "app", "neutral"),
    ("I sent it back three weeks ago and still no refund", "return", "negative"),
    ("退货被拒绝，售后没人理", "return", "negative"),
    ("Absolutely love this coffee, would recommend", None, "positive"),
    ("咖啡很好喝，会回购", None, "positive"),
    ("Does the shop open on Sunday?", None, "neutral"),
    ("周末营业到几点", None, "neutral"),
    ("Fresh vegetables and fast delivery, excellent", "delivery", "positive"),
    ("水果不新鲜，烂了一半", "quality", "negative"),
    ("not good at all", None, "negative"),
    ("一点也不好用", None, "negative"),
]  # fmt: skip


def test_the_lexicon_reads_most_of_what_it_was_not_written_for() -> None:
    words = lexicon()
    read = [(words.topic(normalise(text)), words.sentiment(normalise(text))) for text, _, _ in UNSEEN]
    topics = [found == topic for (found, _), (_, topic, _) in zip(read, UNSEEN, strict=True)]
    moods = [found == mood for (_, found), (_, _, mood) in zip(read, UNSEEN, strict=True)]
    assert sum(topics) >= 17
    assert sum(moods) >= 16


@pytest.mark.parametrize(
    ("text", "level"),
    [
        ("Kinder waren krank", "minor"),
        ("She was sick all night after eating it", "severe"),
        ("孩子吃了以后住院了", "severe"),
        ("再不处理我就打12315", "severe"),
        ("请尽快退款", "medium"),
        ("The box was damaged, I want a replacement", "medium"),
        ("Queue was a bit long", "minor"),
    ],
)
def test_severity_by_the_gravest_word(text: str, level: str) -> None:
    assert lexicon().severity(normalise(text)) == level


@pytest.mark.parametrize(
    ("text", "mood"),
    [
        pytest.param("It is good", "positive", id="praise"),
        pytest.param("It is not good", "negative", id="praise denied"),
        pytest.param("It is not bad", "neutral", id="blame denied"),
        pytest.param("好用", "positive", id="zh praise"),
        pytest.param("不好用", "negative", id="zh praise denied"),
        pytest.param("特别好用", "positive", id="zh: 别 in 特别 denies nothing"),
        pytest.param("不满意", "negative", id="the longer entry counts"),
        pytest.param("Goodbye, Avoidance Street", "neutral", id="parts of words are no words"),
        pytest.param("App付款很方便", "positive", id="Latin beside Chinese"),
    ],
)
def test_sentiment_by_words_and_negation(text: str, mood: str) -> None:
    assert lexicon().sentiment(normalise(text)) == mood


def test_addresses_and_numbers_never_become_terms() -> None:
    found = terms(
        normalise("请回电１３８１２３４５６７８，邮箱 Ana.Li@example.com，订单 A-2026/0042，见 https://shop.example/x?id=7")
    )
    assert not [term for term in found if any(letter.isdigit() for letter in term) or "example" in term or "ana" in term]
    assert "#" in found
    assert masked("call 555-0100 now") == "call # now"


def test_spelling_does_not_matter() -> None:
    assert terms(normalise("ＡＰＰ　Don\u2019t WORK")) == terms(normalise("app don't work"))


@pytest.mark.parametrize(
    ("text", "expected"),
    [("牛奶坏了", "zh"), ("The milk is off", "en"), ("买了Nutella巧克力酱，很甜很腻不喜欢", "zh"), ("123 !!", "other"), ("", "other"),
     ("Very nice 很好很好 thanks", "mixed"), ("Die Milch ist sauer", "en")],
)  # fmt: skip
def test_language(text: str, expected: str) -> None:
    assert language(normalise(text)) == expected


def _everybody(texts: list[frozenset[str]]) -> list[str]:
    """Each text by somebody else."""
    return [str(number) for number in range(len(texts))]


def _learned(order: np.ndarray | None = None) -> tuple[TermClassifier, list[frozenset[str]], list[str]]:
    rng = np.random.default_rng(5)
    pools = {"late": ["late", "slow", "waiting", "courier"], "rude": ["rude", "staff", "cashier", "shouted"]}
    labels = [("late", "rude")[int(number)] for number in rng.integers(0, 2, 120)]
    texts = [frozenset([*rng.choice(pools[label], 2).tolist(), f"filler{rng.integers(0, 60)}"]) for label in labels]
    order = np.arange(120) if order is None else order
    texts, labels = [texts[row] for row in order], [labels[row] for row in order]
    return TermClassifier.fit(texts, labels, _everybody(texts)), texts, labels


def test_a_classifier_learns_stores_and_answers_the_same() -> None:
    classifier, texts, labels = _learned()
    found = classifier.probabilities(texts)
    assert np.mean(np.array(classifier.classes)[found.argmax(axis=1)] == np.array(labels)) > 0.98
    np.testing.assert_allclose(found.sum(axis=1), 1.0)
    again = TermClassifier.from_dict(classifier.to_dict())
    np.testing.assert_array_equal(again.probabilities(texts), found)
    np.testing.assert_allclose(_learned(np.random.default_rng(1).permutation(120))[0].probabilities(texts), found, atol=1e-5)


def test_two_classes_are_those_of_the_regression() -> None:
    from sklearn.linear_model import LogisticRegression

    from retention.models.text import classifier as module

    classifier, texts, labels = _learned()
    matrix = module._matrix(texts, classifier.vocabulary, classifier.rarity)
    peer = LogisticRegression(C=module.PENALTY_C, max_iter=1_000).fit(matrix, labels)
    np.testing.assert_allclose(classifier.probabilities(texts), peer.predict_proba(matrix), atol=1e-12)


def test_rare_terms_are_not_kept_and_unknown_texts_get_no_probability() -> None:
    classifier, texts, _ = _learned()
    counts = {term: sum(term in text for text in texts) for term in classifier.vocabulary}
    assert min(counts.values()) >= LEAST_WRITERS_OF_A_TERM
    assert np.isnan(classifier.probabilities([frozenset({"filler0", "nobody"})])).all()
    assert classifier.probabilities([]).shape == (0, 2)


def test_what_one_person_writes_again_and_again_is_not_kept() -> None:
    _, texts, labels = _learned()
    signed = frozenset({"late", "courier", "wislawa", "szymborska", "wislawa szymborska"})
    writers = [*_everybody(texts), *["wislawa"] * 40]
    classifier = TermClassifier.fit([*texts, *[signed] * 40], [*labels, *["late"] * 40], writers)
    assert "courier" in classifier.vocabulary
    assert not [term for term in classifier.vocabulary if "szymborska" in term or "wislawa" in term]
    # The guard off: as many texts of as many people would have brought the name into the file.
    unguarded = TermClassifier.fit([*texts, *[signed] * 40], [*labels, *["late"] * 40], _everybody([*texts, *[signed] * 40]))
    assert "szymborska" in unguarded.vocabulary


def test_one_label_only_is_refused() -> None:
    with pytest.raises(ValueError, match="one class only"):
        TermClassifier.fit([frozenset({"a"})] * 9, ["late"] * 9, list("abcdefghi"))


def test_where_the_model_knows_no_word_the_lexicon_reads_and_says_so() -> None:
    model = TextModel({"topic": _learned()[0]})
    read = model.read(["courier slow", "退货被拒绝", "Great staff", "???"], ["complaint", "complaint", "mention", "mention"])
    assert read["topic"].tolist() == ["late", "return", "rude", None]
    assert read["topic_basis"].tolist() == ["model", "lexicon", "model", "lexicon"]
    assert read["topic_probability"].notna().tolist() == [True, False, True, False]
    assert read["sentiment"].tolist()[2] == "positive"
    assert read["severity"].tolist() == ["minor", "medium", None, None]  # praise has no severity
    again = TextModel.from_dict(model.to_dict()).read(["courier slow"], ["complaint"])
    assert again.loc[0, "topic_probability"] == read.loc[0, "topic_probability"]
    assert TextModel().read([], []).empty


def test_a_label_nobody_could_learn_counts_against_everybody() -> None:
    compared = Compared(
        actual=["a", "a", "b", "new"],
        predicted={"challenger": ["a", "a", "b", "new"], "lexicon": ["a", "b", "zzz", "a"]},
        writers=["1", "2", "3", "4"],
        classes=("a", "b"),
    )
    measured = compared.measured("topic", seed=1)
    assert measured["challenger"]["topic_accuracy"].value == 0.75
    assert measured["challenger"]["topic_macro_f1"].value == 1.0
    assert measured["lexicon"]["topic_accuracy"].value == 0.25
    assert measured["lexicon"]["topic_macro_f1"].value == pytest.approx((2 / 4 + 0) / 2)


def test_a_better_candidate_must_be_surely_better() -> None:
    actual = ["a", "b"] * 100
    wrong_once = ["b", *actual[1:]]
    wrong_often = ["a"] * 200
    compared = Compared(
        actual, {"challenger": wrong_once, "same": wrong_once, "poor": wrong_often}, list(map(str, range(200))), ("a", "b")
    )
    assert compared.surely_better("challenger", "poor", 1)
    assert not compared.surely_better("challenger", "same", 1)
    assert not compared.surely_better("poor", "challenger", 1)
