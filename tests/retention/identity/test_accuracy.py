"""Linking against known truth, on companies that nothing was tuned on; and what each part contributes."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import pytest

from retention.identity import (
    LinkageModel,
    LinkageModelRefused,
    link_members,
    normalise_email,
    normalise_phone,
    shipped_model,
    training,
)
from retention.identity.comparisons import COMPARED, LEVEL_COUNTS, level_names
from retention.samples.accuracy import Quality, informative_pairs, pairwise
from retention.samples.duplicates import ROUGH, USUAL, simulate
from retention.settings import IngestSettings


def company(people: int, seed: int, noise: object = USUAL) -> pd.DataFrame:
    frame = simulate(people, seed, noise)  # type: ignore[arg-type]
    frame["email_normalised"] = [normalise_email(v) if isinstance(v, str) else None for v in frame["email"]]
    frame["phone_e164"] = [normalise_phone(v) if isinstance(v, str) else None for v in frame["phone"]]
    return frame.rename(columns={"key": "source_customer_key", "created_at": "source_created_at"})


def quality(records: pd.DataFrame, model: LinkageModel) -> Quality:
    links = link_members(records, model, IngestSettings()).links.set_index("source_customer_key")["customer_key"]
    return pairwise(records["person"], links.loc[records["source_customer_key"]])


# Seeds from 1000 on were never used to choose a rule, a level or a threshold.
@pytest.mark.parametrize("seed", [1001, 1002])
def test_a_usual_company(seed: int) -> None:
    found = quality(company(5_000, seed), shipped_model())
    assert found.precision >= 0.995
    assert found.recall >= 0.95


def test_a_company_with_worse_habits_keeps_its_precision() -> None:
    records = company(5_000, 1003, ROUGH)
    found = quality(records, shipped_model())
    assert found.precision >= 0.995
    # Three records in ten have no birth date, one in eight no number: a quarter of the true pairs agree in no two fields that
    # say something. Some of those are found all the same, through a third record.
    assert found.recall >= 0.8
    assert found.recall > informative_pairs(records, 2).mean()


def test_addresses_alone_find_less() -> None:
    # Guard off: a model that never links leaves the deterministic rules alone.
    records = company(5_000, 1004)
    alone = quality(records, dataclasses.replace(shipped_model(), link_probability=2.0))
    both = quality(records, shipped_model())
    assert alone.recall < both.recall - 0.03
    assert alone.precision >= 0.995


def test_training_is_the_same_whatever_the_order_and_links_as_well() -> None:
    records = company(2_500, 1005)
    model = training.train(records, "test", random_pairs=200_000)
    again = training.train(records.sample(frac=1.0, random_state=1), "test", random_pairs=200_000)
    assert model.version == again.version
    assert LinkageModel.parse(model.text, model.sha256) == model
    found = quality(records, model)
    assert found.precision >= 0.995
    assert found.recall >= 0.95
    # The same customers, the same model: whoever was one person before training anew still is.
    pd.testing.assert_frame_equal(
        link_members(records, model, IngestSettings()).links, link_members(records, again, IngestSettings()).links
    )


def test_a_model_that_is_not_the_stored_one_is_refused() -> None:
    model = shipped_model()
    changed = dataclasses.replace(model, link_probability=0.5)
    with pytest.raises(LinkageModelRefused, match="expected digest"):
        LinkageModel.parse(changed.text, model.sha256)
    with pytest.raises(LinkageModelRefused, match="while reading it"):
        LinkageModel.parse("{}")
    fewer = {**model.splink, "comparisons": model.splink["comparisons"][1:]}
    with pytest.raises(LinkageModelRefused, match="Train it again"):
        LinkageModel.parse(dataclasses.replace(model, splink=fewer).text)


def test_levels_are_numbered_as_splink_numbers_them() -> None:
    assert {name: len(level_names(name)) for name in COMPARED} == LEVEL_COUNTS
    for comparison in shipped_model().splink["comparisons"]:
        labels = [level["label_for_charts"] for level in comparison["comparison_levels"] if not level.get("is_null_level")][:-1]
        named = level_names(comparison["output_column_name"])
        assert [named[len(labels) - place] for place in range(len(labels))] == labels


def test_pairs_are_counted_as_counting_one_by_one_does() -> None:
    rng = np.random.default_rng(1)
    truth, found = rng.integers(0, 8, 40), rng.integers(0, 8, 40)
    pairs = [(a, b) for a in range(40) for b in range(a)]
    right = sum(truth[a] == truth[b] and found[a] == found[b] for a, b in pairs)
    counted = pairwise(truth, found)
    assert counted.right_pairs == right
    assert counted.true_pairs == sum(truth[a] == truth[b] for a, b in pairs)
    assert counted.found_pairs == sum(found[a] == found[b] for a, b in pairs)
    assert pairwise([1, 1, 2], [5, 5, 6]).exact_people == 1.0
