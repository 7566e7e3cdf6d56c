"""Answers are kept until something new is published: many people look at the same page, and it changes once a day.

What moves by itself (breaches of the clock, runs) is not published, so an answer also grows old after seconds.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any, TypeVar, cast

T = TypeVar("T")
MOST_KEPT = 200
"""Answers kept at once; the one used longest ago goes first."""


class Memory:
    """Keeps answers of one reader.

    Parameters
    ----------
    version : callable
        Gives a text that changes when something new is published.
    seconds : float
        How old an answer may be.
    look_seconds : float
        How often the version is asked for at most.
    clock : callable
        Seconds that only grow; for tests.
    """

    def __init__(
        self,
        version: Callable[[], str],
        seconds: float = 20.0,
        look_seconds: float = 2.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._ask, self._seconds, self._look_seconds, self._clock = version, seconds, look_seconds, clock
        self._kept: OrderedDict[Hashable, tuple[str, float, Any]] = OrderedDict()
        self._busy: dict[Hashable, threading.Lock] = {}
        self._lock = threading.Lock()
        self._version: tuple[str, float] | None = None

    def get(self, key: Hashable, compute: Callable[[], T]) -> T:
        """Return the answer kept under a key, computing it when it is missing, old or overtaken.

        Whoever asks while it is being computed waits for that one computation.
        """
        version = self._current()
        if (kept := self._fresh(key, version)) is not None:
            return cast(T, kept[0])
        with self._lock:
            busy = self._busy.setdefault(key, threading.Lock())
        with busy:
            if (kept := self._fresh(key, version)) is not None:
                return cast(T, kept[0])
            value = compute()
            with self._lock:
                self._kept[key] = (version, self._clock(), value)
                self._kept.move_to_end(key)
                while len(self._kept) > MOST_KEPT:
                    forgotten, _ = self._kept.popitem(last=False)
                    self._busy.pop(forgotten, None)
            return value

    def _fresh(self, key: Hashable, version: str) -> tuple[Any] | None:
        with self._lock:
            kept = self._kept.get(key)
            if kept is None or kept[0] != version or self._clock() - kept[1] > self._seconds:
                return None
            self._kept.move_to_end(key)
            return (kept[2],)

    def _current(self) -> str:
        known = self._version
        if known is not None and self._clock() - known[1] <= self._look_seconds:
            return known[0]
        version = self._ask()
        self._version = (version, self._clock())
        return version
