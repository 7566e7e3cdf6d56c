"""A shop's API with one list of answers, offered in every style of paging there is; it can change between any two pages."""

from __future__ import annotations

import base64
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import yaml

from retention.sources import SourceSpec, load_spec
from retention.sources.rest import RestStore
from tests.retention.sources.rest.server import Asked, Reply, Server, TestClock, answer

PEOPLE = ["Ana", "Bo", "Chen", "Dai", "Emma", "Fang", "Gao", "Hana", "Ivo", "Jin", "Kai", "Li"]
START = datetime(2026, 3, 30, tzinfo=UTC)
LOWER, UPPER = datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 4, 1, tzinfo=UTC)


def at(minutes: float) -> str:
    return (START + timedelta(minutes=minutes)).isoformat()


class Shop:
    """Answers sorted by (changed, id) or by id; ``before`` is called ahead of every page."""

    def __init__(self, rows: int = 0, same_time: bool = False) -> None:
        self.rows: list[dict[str, Any]] = []
        for number in range(rows):
            self.add(0 if same_time else number)
        self.before: Callable[[int], None] = lambda number: None
        self.pages = 0
        self.token = "t-1"
        self.valid: Callable[[Asked], bool] = lambda asked: True
        self.says = {"more": True, "total": True}

    def add(self, minutes: float, **more: Any) -> dict[str, Any]:
        number = len(self.rows) + 1
        row = {"id": f"{number:04d}", "who": {"name": PEOPLE[number % 12]}, "changed": at(minutes), "points": 5, **more}
        self.rows.append(row)
        return row

    def __call__(self, asked: Asked) -> Reply:
        self.pages += 1
        self.before(self.pages)
        if not self.valid(asked):
            return answer({"code": "INVALID_TOKEN"}, 401)
        return getattr(self, f"_{asked.path.strip('/').split('/')[-1]}")(asked)

    def _sorted(self, key: str = "changed") -> list[dict[str, Any]]:
        return sorted(self.rows, key=lambda row: (row[key], row["id"]))

    def _reply(self, rows: list[dict[str, Any]], total: int, more: bool, **extra: Any) -> Reply:
        info: dict[str, Any] = {"more": more} if self.says["more"] else {}
        info |= {"total": total} if self.says["total"] else {}
        return answer({"data": rows, "info": info | extra})

    def _slice(self, rows: list[dict[str, Any]], start: int, size: int, **extra: Any) -> Reply:
        return self._reply(rows[start : start + size], len(rows), start + size < len(rows), **extra)

    def _all(self, asked: Asked) -> Reply:
        return self._slice(self._sorted(), 0, 10_000)

    def _offset(self, asked: Asked) -> Reply:
        return self._slice(self._sorted(), int(asked.params["offset"]), int(asked.params["size"]))

    def _page(self, asked: Asked) -> Reply:
        size = int(asked.params.get("size", 20))
        return self._slice(self._sorted(), (int(asked.params["page"]) - 1) * size, size)

    def _token(self, asked: Asked) -> Reply:
        start, size = int(asked.params.get("token", "x0")[1:]), int(asked.params["size"])
        rows = self._sorted()
        return self._slice(rows, start, size, next=f"x{start + size}" if start + size < len(rows) else None)

    def _link(self, asked: Asked) -> Reply:
        start, rows = int(base64.b64decode(asked.params.get("c", "MA==")).decode()), self._sorted()
        following = base64.b64encode(str(start + 5).encode()).decode().replace("=", "%3D")
        return self._slice(rows, start, 5, next=f"/link?c={following}" if start + 5 < len(rows) else None)

    def _link_header(self, asked: Asked) -> Reply:
        start, rows = int(asked.params.get("c", "0")), self._sorted()
        headers = {"Link": f'</link_header?c=0>; rel="first", </link_header?c={start + 5}>; rel="next"'}
        found = rows[start : start + 5]
        return answer({"data": found}, 200, **(headers if start + 5 < len(rows) else {}))

    def _keyset(self, asked: Asked) -> Reply:
        rows = [row for row in self._sorted("id") if row["id"] > asked.params.get("after", "")]
        return self._slice(rows, 0, int(asked.params["size"]))

    def _since(self, asked: Asked) -> Reply:
        after = asked.params.get("after")
        rows = [row for row in self._sorted() if after is None or row["changed"] >= after]
        return self._slice(rows, int(asked.params.get("offset", 0)), int(asked.params["size"]))

    def _gone(self, asked: Asked) -> Reply:
        return answer({"data": [{"id": "0001", "deleted": at(5)}, {"id": "0002", "deleted": at(3 * 1440)}], "info": {}})


PAGING: dict[str, dict[str, Any]] = {
    "all": {"paging": {"style": "none"}},
    "offset": {"paging": {"style": "offset"}, "params": {"offset": "{offset}", "size": "{page_size}"}},
    "page": {"paging": {"style": "page", "size": 20}, "params": {"page": "{page}", "size": "{page_size}"}},
    "page_fixed": {"path": "/page", "paging": {"style": "page", "size": 20}, "params": {"page": "{page}"}},
    "token": {"paging": {"style": "token", "token": "info.next"}, "params": {"token": "{token}", "size": "{page_size}"}},
    "link": {"paging": {"style": "link", "link": "info.next"}},
    "link_header": {"paging": {"style": "link_header"}},
    "keyset": {
        "paging": {"style": "keyset", "by": "id", "unique": True},
        "params": {"after": "{after}", "size": "{page_size}"},
    },
    "since": {
        "paging": {"style": "keyset", "by": "changed"},
        "params": {"after": "{after}", "offset": "{offset}", "size": "{page_size}"},
    },
}
"""How each style is described."""


def describe(folder: Path, style: str = "offset", **more: Any) -> SourceSpec:
    """Write and load a description; ``more`` goes to ``api`` (auth, limits, errors …), ``request``, ``paging`` or the entity."""
    way = PAGING[style]
    says = {} if style == "link_header" else {"more": "info.more", "total": "info.total"}
    paging = {"size": 5, **({} if style == "all" else says), **way["paging"], **more.pop("paging", {})}
    request = {
        "path": way.get("path", f"/{style}"),
        "records": "data",
        "params": way.get("params", {}),
        "time": {"format": "iso_utc"},
        **more.pop("request", {}),
        "paging": paging,
    }
    limits = {"requests": 1000, "read_seconds": 0.4, "total_seconds": 0.8, "attempts": 4, **more.pop("limits", {})}
    entity = {
        "request": request,
        "key": ["id"],
        "cursor": "changed",
        "cursor_type": "timestamptz",
        "columns": {"answer_id": "id", "customer_id": "who.name", "score": "points", "updated_at": "changed"},
        "expect": {"empty_day": "ok"},
        **more.pop("entity", {}),
    }
    described = {
        "source": "shop",
        "kind": "rest",
        "connection": "SHOP",
        "timezone": "Asia/Shanghai",
        "api": {"limits": limits, **more},
        "entities": {"survey_answer": {key: value for key, value in entity.items() if value is not None}},
    }
    path = folder / "shop.yml"
    path.write_text(yaml.safe_dump(described, allow_unicode=True), encoding="utf-8")
    return load_spec(path)


def read(
    server: Server, spec: SourceSpec, clock: TestClock | None = None, lower: Any = LOWER, upper: Any = UPPER
) -> list[dict[str, Any]]:
    """All rows of the one entity, as the source names them."""
    rows: list[dict[str, Any]] = []
    with RestStore(server.url, spec, clock or TestClock()) as store:
        for columns, count in store.read(next(iter(spec.entities.values())), lower, upper, lambda names: None):
            got = [
                dict(zip(columns, values, strict=True))
                for values in zip(*(column.to_pylist() for column in columns.values()), strict=True)
            ]
            assert len(got) == count
            rows += got
        read.notes = store.notes  # type: ignore[attr-defined]
    return rows


def ids(rows: list[dict[str, Any]]) -> list[str]:
    return [row["id"] for row in rows]
