"""How often one person may ask: enough for people, too little for a program that reads everything or tries keys."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

MOST_PEOPLE = 2_000
"""People remembered at once; who has not asked for longest is forgotten first."""


@dataclass(frozen=True)
class Rate:
    """So many requests at once, and so many more each second."""

    burst: float
    per_second: float


RATES = {
    "look": Rate(burst=120, per_second=4),
    "customer": Rate(burst=10, per_second=0.5),
    "answer": Rate(burst=6, per_second=0.1),
}
"""By kind of request. Each worker of an API server counts for itself; customers are counted over all in ``ops.audit``, too."""


class Limits:
    """Token buckets by person and kind of request."""

    def __init__(self, rates: dict[str, Rate] | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self._rates, self._clock = rates or RATES, clock
        self._left: OrderedDict[tuple[str, str], tuple[float, float]] = OrderedDict()
        self._lock = threading.Lock()

    def wait_seconds(self, person: str, kind: str) -> float:
        """Take one request off; returns 0 when it may pass, else after how many seconds the next one may."""
        rate, now, key = self._rates[kind], self._clock(), (person, kind)
        with self._lock:
            left, at = self._left.pop(key, (rate.burst, now))
            left = min(rate.burst, left + (now - at) * rate.per_second)
            passes = left >= 1
            self._left[key] = (left - 1 if passes else left, now)
            while len(self._left) > MOST_PEOPLE:
                self._left.popitem(last=False)
        return 0.0 if passes else (1 - left) / rate.per_second
