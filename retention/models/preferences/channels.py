"""The channel a customer answers on: learned from responses, starting from a stated prior by age."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from retention.settings import PROJECT_ROOT
from retention.settings_models import PreferenceSettings
from retention.yaml_text import load_yaml

Floats = NDArray[np.float64]

PATH = PROJECT_ROOT / "include" / "preferences" / "channels.yml"
GROUP_MESSAGES = 200.0
"""The stated prior of an age group gives way to the group's own responses as if it were so many messages."""
GROUPS = ("young", "middle", "senior", "unknown")


@dataclass(frozen=True)
class Channels:
    """Share of messages answered, by age group (rows, `GROUPS`) and channel, and as how many messages it counts.

    `learned` says for each channel whether responses of the company moved it from the stated prior.
    """

    names: tuple[str, ...]
    answered: Floats
    learned: NDArray[np.bool_]
    prior_messages: float
    young_until: int
    middle_until: int

    def groups(self, ages: pd.Series, customers: pd.Index) -> NDArray[np.int64]:
        """Row of each customer's age group."""
        age = ages.reindex(customers).to_numpy(dtype=np.float64)
        found = np.select([age <= self.young_until, age <= self.middle_until, age > self.middle_until], [0, 1, 2], 3)
        return np.asarray(found, dtype=np.int64)


def stated() -> Mapping[str, Mapping[str, float]]:
    """Read the stated prior: share of messages answered by age group and channel."""
    prior: Mapping[str, Mapping[str, float]] = load_yaml(PATH.read_text(encoding="utf-8"))
    return prior


def learn_channels(responses: pd.DataFrame, ages: pd.Series, settings: PreferenceSettings) -> Channels:
    """Move the stated prior of each age group by the responses of a random share of the customers.

    Parameters
    ----------
    responses : one row per customer and channel: count_messages, count_answered.
    ages : years by customer_key.
    """
    prior = stated()
    names = tuple(prior["unknown"])
    blank = Channels(names, np.zeros((0, 0)), np.zeros(0, dtype=bool), 0.0, settings.young_until, settings.middle_until)
    sent, answered = (np.zeros((len(GROUPS), len(names))) for _ in range(2))
    known = responses[responses["channel"].isin(names)]
    group = blank.groups(ages, pd.Index(known["customer_key"]))
    column = pd.Index(names).get_indexer(pd.Index(known["channel"]))
    np.add.at(sent, (group, column), known["count_messages"].to_numpy(dtype=np.float64))
    np.add.at(answered, (group, column), known["count_answered"].to_numpy(dtype=np.float64))
    assumed = np.array([[prior[name][channel] for channel in names] for name in GROUPS])
    share = (answered + GROUP_MESSAGES * assumed) / (sent + GROUP_MESSAGES)
    return Channels(
        names, share, sent.sum(axis=0) > 0, settings.prior_messages, settings.young_until, settings.middle_until
    )  # fmt: skip


def preferred(responses: pd.DataFrame, ages: pd.Series, customers: pd.Index, channels: Channels) -> pd.DataFrame:
    """The channel on which each customer most probably answers, of those that may be used.

    A channel may be used when the latest decision grants marketing on it and no message there led to an unsubscription. Where
    none may be used, the best of all is named and `is_reachable` is false: it says where to ask for consent.

    Returns
    -------
    DataFrame, index `customers`: preferred_channel, channel_response_rate, channel_basis (`responses` of the customer,
        `company` responses of the age group, or the stated `prior`), is_reachable, reachable_channels, count_messages.
    """
    shape = (len(customers), len(channels.names))
    mine = responses[responses["customer_key"].isin(customers) & responses["channel"].isin(channels.names)]
    row = customers.get_indexer(pd.Index(mine["customer_key"]))
    column = pd.Index(channels.names).get_indexer(pd.Index(mine["channel"]))
    sent, answered = np.zeros(shape), np.zeros(shape)
    allowed: NDArray[np.bool_] = np.zeros(shape, dtype=np.bool_)
    sent[row, column] = mine["count_messages"].to_numpy(dtype=np.float64)
    answered[row, column] = mine["count_answered"].to_numpy(dtype=np.float64)
    allowed[row, column] = (mine["decision"] == "granted").to_numpy() & ~mine["was_given_up"].to_numpy(dtype=bool)
    start = channels.answered[channels.groups(ages, customers)]
    rate = (answered + channels.prior_messages * start) / (sent + channels.prior_messages)
    reachable: NDArray[np.bool_] = np.asarray(allowed.any(axis=1))
    best = np.where(allowed | ~reachable.reshape(-1, 1), rate, -1.0).argmax(axis=1)
    every = np.arange(len(customers))
    names = np.array(channels.names, dtype=object)
    basis = np.select([sent[every, best] > 0, channels.learned[best]], ["responses", "company"], "prior")
    return pd.DataFrame(
        {
            "preferred_channel": names[best],
            "channel_response_rate": rate[every, best],
            "channel_basis": basis,
            "is_reachable": reachable,
            "reachable_channels": [", ".join(names[allowed[place]]) or None for place in every],
            "count_messages": sent.sum(axis=1).astype(np.int64),
        },
        index=customers,
    )
