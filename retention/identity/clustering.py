"""From pairs to people: who hangs together, without chaining people who cannot be one.

Links are taken in batches of equal strength, the strongest first. A batch is taken whole or, where it would put two records
that contradict each other into one person, left out whole there: so no order, neither of arrival nor of keys, decides.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from itertools import groupby

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

Keys = npt.NDArray[np.int64]
Pair = tuple[int, int]


def components(keys: Keys, left: Keys, right: Keys) -> npt.NDArray[np.int32]:
    """Return for each key (sorted, unique) the number of the connected component it lies in."""
    count = len(keys)
    rows, columns = np.searchsorted(keys, left), np.searchsorted(keys, right)
    graph = coo_matrix((np.ones(len(rows), dtype=np.int8), (rows, columns)), shape=(count, count))
    labels: npt.NDArray[np.int32] = connected_components(graph, directed=False)[1]
    return labels


def within_limit(keys: Keys, edges: pd.DataFrame, limit: int) -> pd.DataFrame:
    """Leave out weak links, the weakest first, where more than ``limit`` records would hang together.

    A person with hundreds of records is a mistake of an address, and comparing all of them with each other has no bound.
    """
    for strength in range(1, 9):
        labels = components(keys, edges["left"].to_numpy(), edges["right"].to_numpy())
        crowded = np.bincount(labels)[labels[np.searchsorted(keys, edges["left"].to_numpy())]] > limit
        if not crowded.any():
            break
        edges = edges[~(crowded & (edges["strength"].to_numpy() <= strength))]
    return edges


def cluster(keys: Keys, edges: pd.DataFrame, conflicts: Iterable[Pair]) -> npt.NDArray[np.int64]:
    """Return for each key (sorted, unique) the smallest key of the person it belongs to.

    Parameters
    ----------
    keys : array of int
        All records, sorted.
    edges : DataFrame of ``left``, ``right``, ``strength`` and ``weight``
        Links.
    conflicts : iterable of pairs of keys
        Who cannot be one person, within what the links connect.
    """
    left, right = edges["left"].to_numpy(), edges["right"].to_numpy()
    labels = components(keys, left, right)
    apart: defaultdict[int, set[Pair]] = defaultdict(set)
    for pair in conflicts:
        one, other = labels[np.searchsorted(keys, pair)]
        if one == other:
            apart[int(one)].add(pair)
    smallest = np.full(int(labels.max(initial=-1)) + 1, np.iinfo(np.int64).max)
    np.minimum.at(smallest, labels, keys)
    person = smallest[labels]
    contradictory = np.isin(labels, list(apart))
    if not contradictory.any():
        return person
    inside = edges[contradictory[np.searchsorted(keys, left)]]
    by_component: defaultdict[int, list[tuple[int, float, int, int]]] = defaultdict(list)
    component_of = labels[np.searchsorted(keys, inside["left"].to_numpy())]
    for component, strength, weight, one, other in zip(
        component_of.tolist(), inside["strength"].tolist(), inside["weight"].round(6).tolist(), inside["left"].tolist(),
        inside["right"].tolist(), strict=True,
    ):  # fmt: skip
        by_component[component].append((strength, weight if strength == 1 else 0.0, one, other))
    members: defaultdict[int, list[int]] = defaultdict(list)
    for key, label in zip(keys[contradictory].tolist(), labels[contradictory].tolist(), strict=True):
        members[label].append(key)
    parted: dict[int, int] = {}
    for component, pairs in apart.items():
        parted |= _part(members[component], by_component[component], pairs)
    person[contradictory] = [parted[key] for key in keys[contradictory].tolist()]
    return person


def _part(members: list[int], edges: list[tuple[int, float, int, int]], conflicts: set[Pair]) -> Mapping[int, int]:
    """Link one component batch by batch; return the smallest key of each member's person."""
    person = {key: key for key in members}
    groups = {key: {key} for key in members}
    edges.sort(key=lambda edge: (-edge[0], -edge[1]))
    for _, batch in groupby(edges, key=lambda edge: edge[:2]):
        links = [(person[one], person[other]) for _, _, one, other in batch]
        for joined in _joined(links):
            union = set().union(*(groups[root] for root in joined))
            if any(one in union and other in union for one, other in conflicts):
                continue
            root = min(union)
            for key in union:
                person[key] = root
            groups[root] = union
    return person


def _joined(links: Iterable[Pair]) -> list[set[int]]:
    """Return the sets of people whom a batch of links joins."""
    sets: list[set[int]] = []
    for one, other in links:
        touching = [found for found in sets if one in found or other in found]
        merged = {one, other}.union(*touching)
        sets = [found for found in sets if found not in touching]
        sets.append(merged)
    return [found for found in sets if len(found) > 1]
