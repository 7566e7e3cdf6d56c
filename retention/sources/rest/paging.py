"""From page to page without losing or doubling a row, also while rows come, change and go.

Three ways, by what an API offers:

*Keyset.* Each request asks for what comes after the last value seen. Where the value is unique and never changes (an id), rows
that come, change or go elsewhere cannot move any other row across a page border: one reading is exact.

*Window* (pages by number or offset; keyset by a value that rows share, such as a time). Each request begins on the last row
already delivered, the anchor. As long as the anchor stands where it stood, every row behind it is yet to come; when it has
moved within the page, reading goes on behind it; when it is gone, reading steps back until a row is found that was delivered
before. This is exact as long as the API sorts by something that does not change unless the cursor does. The end is proved, not
guessed: it is the page on which nothing follows the anchor.

*Chain* (tokens, links): where the API leads is its own affair. Unless it promises that its tokens hold their place, the whole
chain is read again until two readings agree.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from retention.sources.rest.ascending import Ascending
from retention.sources.rest.describe import Paging
from retention.sources.rest.errors import PartialPage, RequestRefused, SourceMoving, TooManyEqual
from retention.sources.rest.readings import Version, readings
from retention.sources.rest.records import Row

_STEPS_BACK = 200
_STALLS = 5
_SMALLEST = 20
"""Page size from which numbered pages can be laid over each other: below, some borders fall on every size's end."""


@dataclass(frozen=True)
class Page:
    """One page of records, and what the API says about those that follow."""

    rows: Sequence[Row]
    more: bool | None = None
    """Whether more follow; None where the API does not say."""
    total: int | None = None
    """How many match the request; None where the API does not say."""
    token: str | None = None
    link: str | None = None

    @property
    def says_nothing(self) -> bool:
        """Whether only the rows themselves can tell whether this was the last page."""
        return self.more is None and self.total is None


Ask = Callable[[Mapping[str, Any]], Page]
"""Fetches the page for values of the placeholders (and ``link``)."""


class Walk:
    """Reads all pages of one request.

    Parameters
    ----------
    at : str
        Source, entity and kind of record, for messages.
    ask : callable
        Fetches one page; it has been tried again as often as may be when it raises.
    placeholders : set of str
        What the request can be told.
    """

    def __init__(self, at: str, paging: Paging, ask: Ask, version: Version, placeholders: frozenset[str], pages: int) -> None:
        self._at, self._paging, self._ask, self._version = at, paging, ask, version
        self._placeholders, self._most, self._pages = placeholders, pages, 0
        self._lacking = 0

    def __iter__(self) -> Iterator[list[Row]]:
        style = self._paging.style
        if style == "none":
            return self._single()
        if style == "keyset":
            return self._keyset() if self._paging.unique else self._window()
        if style == "offset":
            return self._window()
        if style == "page" and "page_size" in self._placeholders and self._paging.size >= _SMALLEST:
            return self._window()
        return readings(self._at, self._chain, self._version, lambda: self._paging.stable or self._pages == 1, self._lack)

    def _page(self, **values: Any) -> Page:
        self._pages += 1
        if self._pages > self._most:
            raise SourceMoving(f"{self._at}: the API does not come to an end (limits.pages). Nothing landed.")
        told = {"page_size": self._paging.size, **values}
        page = self._ask(told)
        # An empty page ends a reading, so it is believed when it comes twice, or when the API counts to nought.
        return page if page.rows or page.total == 0 else self._ask(told)

    def _single(self) -> Iterator[list[Row]]:
        page = self._page()
        if page.more or page.token or page.link or (page.total or 0) > len(page.rows):
            raise RequestRefused(
                f"{self._at}: the API has more records than one page, and the description names no paging. Nothing landed."
            )
        yield list(page.rows)

    def _keyset(self) -> Iterator[list[Row]]:
        by, after = self._paging.by, self._paging.after
        order = Ascending(self._at, by, strictly=True)
        delivered, left, is_short = 0, 0, False
        while True:
            page = self._page(after=after)
            if page.total is not None:
                is_short = is_short or page.total < left
                left = page.total - len(page.rows)
            if page.rows:
                order.check(page.rows)
                delivered += len(page.rows)
                yield list(page.rows)
                after = page.rows[-1][by]
            if not page.rows or page.more is False or (page.more is None and page.total is not None and not left):
                break
        if is_short:
            self._compare(delivered)

    def _compare(self, delivered: int) -> None:
        """Hold what came against what there is, after fewer rows followed than were counted before.

        Rows that went meanwhile explain that. An API that does not sort explains it as well: its rows with lesser values are
        then still there, and were never asked for.
        """
        there = self._page(after=self._paging.after).total
        if there is not None and there > delivered:
            raise PartialPage(
                f"{self._at}: the API counts {there} records and delivered {delivered} in order of {self._paging.by}. Nothing "
                "landed; safe to retry. If it stays, the API does not sort as the request asks."
            )

    def _window(self) -> Iterator[list[Row]]:
        """Walk by anchor; for a keyset the window is counted from the value that the last page ended with."""
        keyset, by = self._paging.style == "keyset", self._paging.by
        base: Any = self._paging.after
        anchor, steps_back, stalls = -1, 0, 0  # the place of the last row delivered, counted from the base
        seen: set[bytes] = set()
        order = Ascending(self._at, by, strictly=False)
        while True:
            start, size, values = self._span(base, anchor)
            page = self._page(**values)
            at = -1 if start == 0 else self._last_seen(page.rows, seen)
            if at is None:
                steps_back += 1
                if steps_back > _STEPS_BACK:
                    self._moving()
                anchor = max(start - max(size // 2, 1), 0)
                continue
            if keyset:
                order.check(page.rows)
            fresh = []
            for row in page.rows[at + 1 :]:
                version = self._version(row)
                if version not in seen:
                    seen.add(version)
                    fresh.append(row)
            if fresh:
                steps_back = stalls = 0
                yield fresh
            tail = start + len(page.rows)
            if page.more is False or (page.more is None and page.total is not None and tail >= page.total):
                return
            if not fresh and len(page.rows) < size:
                if page.says_nothing or not (page.more or (page.total or 0) > tail):
                    return
                stalls += 1
                if stalls > _STALLS:
                    raise PartialPage(
                        f"{self._at}: the API says that more records follow and does not deliver them. Nothing landed; "
                        "safe to retry."
                    )
            if not page.rows:
                continue
            if keyset and (value := page.rows[-1][by]) != base:
                base, anchor = value, -1
            else:
                anchor = tail - 1
                self._need_offset(keyset, base)

    def _span(self, base: Any, anchor: int) -> tuple[int, int, dict[str, Any]]:
        """Return where the next window begins, its size, and how the request says so."""
        size, first = self._paging.size, max(anchor, 0)
        if self._paging.style != "page":
            return first, size, {"offset": first, "after": base}
        # A page number can only begin at a multiple of the page's size: choose the size so that the anchor is on the page and
        # as much as possible follows it.
        best = max(range(2, size + 1), key=lambda some: some - first % some)
        number = first // best
        return number * best, best, {"page": number + self._paging.first_page, "page_size": best}

    def _last_seen(self, rows: Sequence[Row], seen: set[bytes]) -> int | None:
        return next((at for at in range(len(rows) - 1, -1, -1) if self._version(rows[at]) in seen), None)

    def _need_offset(self, keyset: bool, base: Any) -> None:
        if keyset and "offset" not in self._placeholders:
            raise TooManyEqual(
                f"{self._at}: more than {self._paging.size} records share one value of {self._paging.by}, more than a page "
                "holds, and the request has no {offset} to go on among them. Nothing landed. Add {offset}, make pages "
                "larger, or page by a unique column (unique: true)."
            )

    def _chain(self) -> Iterator[list[Row]]:
        """Follow tokens, links or plain page numbers once."""
        style, values, used = self._paging.style, self._first(), set[Any]()
        number, delivered = self._paging.first_page, 0
        while True:
            page = self._page(**values)
            delivered += len(page.rows)
            yield list(page.rows)
            number += 1
            following = number if style == "page" else page.token if style == "token" else page.link
            if style == "page":
                ended = not page.rows or page.more is False or (page.total is not None and delivered >= page.total)
                values = {"page": number}
            else:
                ended = not following or page.more is False
                values = {"token": following} if style == "token" else {"link": following}
            if ended:
                self._lacking = max((page.total or 0) - delivered, 0)
                return
            if following in used:
                raise RequestRefused(f"{self._at}: the API leads in a circle from page to page. Nothing landed.")
            used.add(following)

    def _lack(self) -> int:
        return self._lacking

    def _first(self) -> dict[str, Any]:
        return {"page": self._paging.first_page} if self._paging.style == "page" else {}

    def _moving(self) -> None:
        raise SourceMoving(
            f"{self._at}: rows keep moving between pages, or the API does not sort them. Nothing landed; safe to retry. Ask "
            "for a stable order in the request, or page by a unique column."
        )
