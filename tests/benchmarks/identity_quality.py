"""How well customers are told apart and put together: simulated companies with known truth, on seeds nothing was tuned on.

Two settings of noise; addresses alone beside the whole; a model trained on the company itself beside the shipped one; and what
share of the true pairs is found by what went wrong with one of their records.
"""

from __future__ import annotations

import dataclasses
import os
from collections import Counter

import numpy as np
import pandas as pd
from rich.console import Console

from retention.identity import LinkageModel, link_members, normalise_email, normalise_phone, shipped_model, training
from retention.samples.accuracy import informative_pairs, pairwise, true_pairs
from retention.samples.duplicates import ROUGH, USUAL, simulate
from retention.settings import IngestSettings
from retention.warehouse.embedded import EmbeddedPostgres

PEOPLE = int(os.environ.get("BENCH_PEOPLE", "20000"))


def measure(server: EmbeddedPostgres, console: Console) -> tuple[str, list[str], list[tuple[object, ...]]]:
    rows: list[tuple[object, ...]] = []
    shipped = shipped_model()
    addresses_alone = dataclasses.replace(shipped, link_probability=2.0)
    for name, noise, seed in (("usual", USUAL, 2001), ("usual", USUAL, 2002), ("rough", ROUGH, 2003), ("rough", ROUGH, 2004)):
        frame = simulate(PEOPLE, seed, noise)
        frame["email_normalised"] = [normalise_email(v) if isinstance(v, str) else None for v in frame["email"]]
        frame["phone_e164"] = [normalise_phone(v) if isinstance(v, str) else None for v in frame["phone"]]
        frame = frame.rename(columns={"key": "source_customer_key", "created_at": "source_created_at"})
        models = {"addresses alone": addresses_alone, "shipped model": shipped}
        if seed in (2001, 2003) and not os.environ.get("BENCH_SHIPPED_ONLY"):
            models["trained on it"] = training.train(frame, name)
        for which, model in models.items():
            row = _row(f"{name}, seed {seed}", which, frame, model)
            console.print(*row)
            rows.append(row)
            if which == "shipped model" and seed in (2001, 2003):
                rows += _by_slip(frame, model)
    columns = ["company", "model", "precision", "recall", "recall of informative pairs", "people exact", "review pairs (true)"]
    return f"Identity against known truth, {PEOPLE:,} people each", columns, rows


def _people(frame: pd.DataFrame, model: LinkageModel) -> tuple[np.ndarray, pd.DataFrame]:
    linked = link_members(frame, model, IngestSettings())
    found = linked.links.set_index("source_customer_key")["customer_key"].loc[frame["source_customer_key"]].to_numpy()
    return found, linked.pairs


def _row(company: str, which: str, frame: pd.DataFrame, model: LinkageModel) -> tuple[object, ...]:
    found, judged = _people(frame, model)
    quality = pairwise(frame["person"], found)
    pairs, informative = true_pairs(frame), informative_pairs(frame, 2)
    together = found[pairs[:, 0]] == found[pairs[:, 1]]
    review = judged[judged["state"] == "review"]
    person = frame.set_index("source_customer_key")["person"]
    true = (person.loc[review["left"]].to_numpy() == person.loc[review["right"]].to_numpy()).mean() if len(review) else 0.0
    return (
        company, which, f"{quality.precision:.4f}", f"{quality.recall:.4f}",
        f"{together[informative].mean():.4f} of {informative.mean():.0%}", f"{quality.exact_people:.4f}", f"{len(review):,} ({true:.0%})",
    )  # fmt: skip


def _by_slip(frame: pd.DataFrame, model: LinkageModel) -> list[tuple[object, ...]]:
    """Recall by what went wrong with one of the two records."""
    found, _ = _people(frame, model)
    pairs = true_pairs(frame)
    together = found[pairs[:, 0]] == found[pairs[:, 1]]
    slips = frame["slips"].to_numpy()
    seen, right = Counter[str](), Counter[str]()
    for (one, other), is_found in zip(pairs, together, strict=True):
        for slip in set((slips[one] + slips[other]).split(",")) - {""}:
            seen[slip] += 1
            right[slip] += bool(is_found)
    return [
        ("", f"  with: {slip}", "", f"{right[slip] / count:.3f}", f"{count:,} pairs", "", "")
        for slip, count in seen.most_common()
    ]
