"""Reading ahead: the next rows are fetched by a thread while the last ones are worked on, in memory of a fixed size."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from typing import TypeVar

WAITING = 4
"""Record batches that may wait between two steps: this, and not the number of rows, is the memory of an extraction."""
POLL_S = 0.2
"""How often somebody who waits looks whether the other side has given up."""

Item = TypeVar("Item")


def ahead(items: Iterator[Item], waiting: int = WAITING) -> Iterator[Item]:
    """Yield what an iterator yields, taken from it in a thread of its own: the next item is fetched while one is worked on.

    An error of the iterator comes out in its place. Closing this generator ends the thread before it returns.
    """
    line: queue.Queue[tuple[Item | None, BaseException | None]] = queue.Queue(waiting)
    stopped = threading.Event()

    def offer(entry: tuple[Item | None, BaseException | None]) -> bool:
        while not stopped.is_set():
            try:
                line.put(entry, timeout=POLL_S)
            except queue.Full:
                continue
            return True
        return False

    def fetch() -> None:
        try:
            for item in items:
                if not offer((item, None)):
                    break
            else:
                offer((None, None))
        except BaseException as error:
            offer((None, error))
        finally:
            close = getattr(items, "close", None)
            if close is not None:
                close()

    thread = threading.Thread(target=fetch, name="read-ahead", daemon=True)
    thread.start()
    try:
        while True:
            item, error = line.get()
            if error is not None:
                raise error
            if item is None:
                return
            yield item
    finally:
        stopped.set()
        thread.join()
