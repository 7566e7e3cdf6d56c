"""A CRM behind a REST API, read as tables: what extraction opens for a source of kind ``rest``."""

from __future__ import annotations

import hashlib
import re
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import pyarrow as pa

from retention.sources.mapping import needed_columns
from retention.sources.rest.client import Call, Client
from retention.sources.rest.clock import Clock
from retention.sources.rest.describe import Paging, Request, api_of, requests_of
from retention.sources.rest.errors import AnswerUnreadable, PartialPage, Transient
from retention.sources.rest.paging import Page, Walk
from retention.sources.rest.records import (
    Row,
    add_columns,
    as_text,
    columns_of,
    dig,
    flatten,
    missing_column,
    names_found,
    require,
    used_by,
)
from retention.sources.rest.verdict import Answer
from retention.sources.rest.zoho_bulk import load_bulk
from retention.sources.spec import EntitySpec, SourceSpec
from retention.sources.window import Bound

_ROWS = 5_000
_FIRST_LOADS = {"zoho_bulk": load_bulk}

Bounds = tuple[Bound | None, datetime | None]
Check = Callable[[Sequence[str]], None]


class RestStore:
    """The API of one source, opened for reading.

    Parameters
    ----------
    address : str
        Scheme and host of the API.
    clock : Clock, optional
        Time, for tests.

    Raises
    ------
    SpecError when the address cannot be used.
    """

    def __init__(self, address: str, spec: SourceSpec, clock: Clock | None = None) -> None:
        self._spec, self._clock = spec, clock or Clock()
        self._client = Client(spec.source, spec.connection, address, api_of(spec.api), self._clock)
        self.notes: list[str] = []
        """What each reading took: requests, attempts, renewed tokens."""

    def __enter__(self) -> RestStore:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def read(
        self, spec: EntitySpec, lower: Bound | None, upper: datetime | None, check: Check
    ) -> Iterator[tuple[dict[str, pa.Array], int]]:
        """Yield the records with ``lower <= cursor < upper``; with ``cursor > lower`` where the cursor is a number.

        The bounds go into the request where its description has a place for them, and hold here in any case. Without a lower
        bound records whose cursor is missing come too; with one, those that the API sends.

        Parameters
        ----------
        check : callable
            Is given the names of the columns of every batch.
        """
        needed = [*dict.fromkeys([*needed_columns(spec), *([spec.cursor] if spec.cursor else [])])]
        if spec.columns is None:
            needed = [*spec.key]
        sparse = bool({**self._spec.api, **spec.request}.get("sparse", False))
        requests = requests_of(self._spec.api, spec.request, self._spec.timezone)
        composed = {name for request in requests for name in used_by(request.add)}  # described there, so not left out
        for rows in self._rows(spec, spec.request, spec.cursor, lower, upper):
            found = names_found(rows, needed, spec.key, sparse=sparse)
            check([name for name in found if name in needed or name not in composed])
            if missing := [name for name in needed if name not in found]:
                error = missing_column(rows, missing[0])
                raise type(error)(f"{self._spec.source} {spec.entity}: {error.message}")
            yield columns_of(rows, needed), len(rows)

    def deletions(
        self, spec: EntitySpec, lower: datetime | None, upper: datetime | None
    ) -> Iterator[tuple[dict[str, pa.Array], int]]:
        """Yield the keys of records deleted in ``lower <= deleted_at < upper``, by the source's names, with ``deleted_at``.

        Raises
        ------
        AnswerUnreadable when a deletion has no key or no time.
        """
        described = spec.deletions or {}
        column = described["deleted_at"]
        times = requests_of(self._spec.api, described, self._spec.timezone)[0].times
        for rows in self._rows(spec, described, column, lower, upper):
            moments = [times.read(row.get(column)) for row in rows]
            if None in moments or any(row.get(name) is None for row in rows for name in spec.key):
                raise AnswerUnreadable(
                    f"{self._spec.source} {spec.entity}: a deletion has no {', '.join(spec.key)} or no {column} that can be "
                    "read. Nothing landed. Correct deletions: in its description."
                )
            keys = columns_of(rows, spec.key)
            deleted = {name: keys[name] for name in spec.key}
            deleted["deleted_at"] = pa.array(moments, pa.timestamp("us", "UTC"))
            yield deleted, len(rows)

    def _rows(
        self,
        spec: EntitySpec,
        described: Mapping[str, Any],
        cursor: str | None,
        lower: Bound | None,
        upper: datetime | None,
    ) -> Iterator[list[Row]]:
        """Yield rows of all requests of a section in batches, within the bounds, each state of a row once."""
        for request in requests_of(self._spec.api, described, self._spec.timezone):
            at = " ".join(filter(None, (self._spec.source, spec.entity, request.name)))
            self._client.begin()
            batch: list[Row] = []
            for rows in self._pages(at, spec, request, cursor, (lower, upper)):
                batch += [row for row in rows if _within(row, cursor, request, (lower, upper))]
                while len(batch) >= _ROWS:
                    yield batch[:_ROWS]
                    batch = batch[_ROWS:]
            if batch:
                yield batch
            what = "deletions of " if "deleted_at" in described else ""
            self.notes.append(f"{what}{request.name or spec.where}: {self._client.summary()}")

    def _pages(
        self, at: str, spec: EntitySpec, request: Request, cursor: str | None, bounds: Bounds
    ) -> Iterator[Sequence[Row]]:
        version = _version_of(spec.key, cursor)
        if bounds[0] is None and request.first_load is not None:
            return _FIRST_LOADS[str(request.first_load["with"])](at, self._client, request, version)
        call = Call(request.method, request.path, request.params, request.headers, request.body)
        lower = request.earliest if bounds[0] is None else bounds[0]
        known = {
            "lower": request.times.write(lower) if isinstance(lower, datetime) else lower,
            "upper": request.times.write(bounds[1] or self._clock.now() + timedelta(days=1)),
            "read": request.name,
        }

        def ask(values: Mapping[str, Any]) -> Page:
            filled = {**dict.fromkeys(("page", "offset", "token", "after")), **known, "uuid": str(uuid.uuid4()), **values}
            one = call if "link" not in values else Call(call.method, call.path, {}, call.headers, call.body, values["link"])
            return self._client.ask(at, one, filled, lambda answer: self._page(request, answer, _start(request.paging, values)))

        pages = self._client.api.limits.pages
        return iter(Walk(at, request.paging, ask, version, request.asks_for, pages))

    def _page(self, request: Request, answer: Answer, start: int | None) -> Page:
        """Read a page out of an answer, and refuse one that holds less than it says itself.

        Parameters
        ----------
        start : int, optional
            How many of the records that match lie before the page; None where that is not known.
        """
        paging, body = request.paging, answer.json
        if body is None:
            return Page([], more=False, total=0)
        records = dig(body, request.records)
        more = _flag(dig(body, paging.more)) if paging.more else None
        total, count = _number(body, paging.total), _number(body, paging.count)
        if records is None and (more is False or total == 0):
            records = []
        if not isinstance(records, list):
            raise Transient(
                f"an answer has no list of records at {request.records or 'its top'}", "no records", error=AnswerUnreadable
            )
        rows = [flatten(record) for record in records]
        if not request.sparse:
            require(rows, request.add)
        for row in rows:
            add_columns(row, request.add)
        total = None if total is not None and total < len(rows) else total  # some say 0 where they do not count at all
        if count is not None and count != len(rows):
            raise Transient(f"a page holds {len(rows)} records and counts {count}", "short page", error=PartialPage)
        token = as_text(dig(body, paging.token)) if paging.token else None
        page = Page(rows, more, total, token or None, self._link(paging, answer))
        leads_on = page.token or page.link
        if paging.style in ("token", "link", "link_header") and more and not leads_on:
            raise Transient("a page says that more follow and does not say where", "no next page", error=PartialPage)
        promised = more or (more is None and leads_on) or (start is not None and (total or 0) > start)
        if not rows and promised and paging.empty_pages == "refuse":
            raise Transient("a page is empty although the API says that there is more", "empty page", error=PartialPage)
        return page

    def _link(self, paging: Paging, answer: Answer) -> str | None:
        if paging.style == "link":
            found = as_text(dig(answer.json, paging.link))
        elif paging.style == "link_header":
            found = _next_of(answer.headers.get_list("link"))
        else:
            return None
        return self._client.same_origin(found, answer.url) if found else None


def _start(paging: Paging, values: Mapping[str, Any]) -> int | None:
    if paging.style == "offset":
        return int(values["offset"])
    if paging.style == "page":
        return (int(values["page"]) - paging.first_page) * int(values["page_size"])
    if paging.style == "keyset":
        return int(values.get("offset", 0))
    return 0 if not values.get("token") and not values.get("link") else None


def _within(row: Row, cursor: str | None, request: Request, bounds: Bounds) -> bool:
    """Tell whether a record lies within the bounds; one whose cursor cannot be read does: validation judges it."""
    text, (lower, upper) = row.get(cursor) if cursor else None, bounds
    if text is None or (lower is None and upper is None):
        return True
    if isinstance(lower, int):
        return not re.fullmatch(r"-?\d{1,30}", text) or int(text) > lower
    moment = request.times.read(text)
    return moment is None or ((lower is None or moment >= lower) and (upper is None or moment < upper))


def _version_of(key: Sequence[str], cursor: str | None) -> Callable[[Row], bytes]:
    """Return a function that identifies a row in its present state: by key and cursor, without a key by all it holds."""

    def version(row: Row) -> bytes:
        named = [row.get(name) for name in key]
        parts = sorted(row.items()) if None in named else [*named, row.get(cursor) if cursor else None]
        return hashlib.blake2b(repr(parts).encode("utf-8", "surrogatepass"), digest_size=12).digest()

    return version


def _flag(value: Any) -> bool | None:
    if isinstance(value, bool):
        return value
    text = (as_text(value) or "").lower()
    return {"true": True, "1": True, "false": False, "0": False}.get(text)


def _number(body: Any, path: str | None) -> int | None:
    text = as_text(dig(body, path)) if path else None
    return int(text) if text and text.isascii() and text.isdigit() else None


def _next_of(headers: Sequence[str]) -> str | None:
    """Return the target of the Link header's next page."""
    for link in re.findall(r"<([^<>]*)>((?:[^<,]|\"[^\"]*\")*)", ", ".join(headers)):
        if re.search(r";\s*rel\s*=\s*\"?[^\";]*\bnext\b", link[1]):
            return str(link[0])
    return None
