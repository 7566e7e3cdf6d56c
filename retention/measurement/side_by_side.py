"""Work that does not need one another, on connections of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

Start = Callable[..., Future[Any]]
"""Begins a piece of work: a function and its arguments."""


@contextmanager
def side_by_side(connections: int) -> Iterator[Start]:
    """Yield what begins a piece of work beside the block; the end of the block waits for all of them.

    Parameters
    ----------
    connections : int
        Pieces that run at once; the others wait for their turn.

    Raises
    ------
    What the block or the first piece that failed raised; pieces that had not begun are left undone then.
    """
    with ThreadPoolExecutor(max_workers=connections) as pool:
        begun: list[Future[Any]] = []

        def start(function: Callable[..., Any], *arguments: Any) -> Future[Any]:
            begun.append(pool.submit(function, *arguments))
            return begun[-1]

        try:
            yield start
            for piece in begun:
                piece.result()
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
