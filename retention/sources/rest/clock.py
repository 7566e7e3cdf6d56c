"""Time as an API client needs it, in one place, so that tests wait for nothing."""

from __future__ import annotations

import random
import time
from collections import deque
from datetime import UTC, datetime


class Clock:
    """The machine's own clock."""

    def monotonic(self) -> float:
        """Return seconds since some fixed moment."""
        return time.monotonic()

    def now(self) -> datetime:
        """Return the time of day, in UTC."""
        return datetime.now(UTC)

    def sleep(self, seconds: float) -> None:
        """Wait."""
        time.sleep(seconds)

    def jitter(self, seconds: float) -> float:
        """Return a random part of a pause, so that many clients do not come back in step."""
        return random.uniform(0, seconds)


class RateLimit:
    """At most so many requests in any window of so many seconds.

    Parameters
    ----------
    requests, seconds : int, float
        The API's own limit, or a part of it where others use the same login.
    """

    def __init__(self, requests: int, seconds: float, clock: Clock) -> None:
        self._seconds, self._clock = seconds, clock
        self._sent: deque[float] = deque(maxlen=requests)

    def wait(self) -> None:
        """Wait until one more request is within the limit, and count it."""
        if len(self._sent) == self._sent.maxlen:
            pause = self._sent[0] + self._seconds - self._clock.monotonic()
            if pause > 0:
                self._clock.sleep(pause)
        self._sent.append(self._clock.monotonic())
