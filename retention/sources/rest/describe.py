"""What a description says about an API, checked when it is loaded and typed for the client."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import jsonschema
import referencing

from retention.sources.errors import SpecError
from retention.sources.rest.template import NAMES, placeholders
from retention.sources.rest.times import TimeFormat

FIRST_LOADS = ("zoho_bulk",)
"""Modules of this package that load a whole entity at once, in a vendor's own way."""
_SHARED = ("method", "records", "paging", "time", "sparse")
"""What ``api:`` may say once for all requests."""


@dataclass(frozen=True)
class Limits:
    """How hard an API is asked, and for how long."""

    requests: int = 10
    seconds: float = 1
    attempts: int = 6
    connect_seconds: float = 10
    read_seconds: float = 60
    total_seconds: float = 300
    wait_seconds: float = 300
    read_minutes: float = 720
    answer_megabytes: float = 64
    pages: int = 1_000_000


@dataclass(frozen=True)
class Codes:
    """Where an answer reports errors, and what its codes mean."""

    code: str
    required: bool = False
    ok: frozenset[str] = frozenset()
    retry: frozenset[str] = frozenset()
    expired: frozenset[str] = frozenset()
    forbidden: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Paging:
    """How one page leads to the next."""

    style: str = "none"
    size: int = 200
    first_page: int = 1
    token: str = ""
    link: str = ""
    by: str = ""
    unique: bool = False
    after: str | int | None = None
    more: str | None = None
    total: str | None = None
    count: str | None = None
    stable: bool = False
    empty_pages: str = "refuse"


@dataclass(frozen=True)
class Api:
    """How an API is spoken to."""

    auth: Mapping[str, Any]
    headers: Mapping[str, Any]
    params: Mapping[str, Any]
    limits: Limits
    errors: Codes | None
    no_content: frozenset[int]


@dataclass(frozen=True)
class Request:
    """How one kind of record is asked for."""

    name: str
    method: str
    path: str
    params: Mapping[str, Any]
    headers: Mapping[str, Any]
    body: Mapping[str, Any] | None
    records: str
    paging: Paging
    times: TimeFormat
    earliest: datetime | None
    sparse: bool
    add: Mapping[str, Sequence[Mapping[str, Any]]] = field(default_factory=dict)
    first_load: Mapping[str, Any] | None = None

    @property
    def asks_for(self) -> frozenset[str]:
        """Names of the placeholders in use."""
        return frozenset(placeholders([self.path, dict(self.params), dict(self.headers), dict(self.body or {})]))


def api_of(described: Mapping[str, Any]) -> Api:
    """Return the typed form of an ``api:`` section."""
    errors = described.get("errors")
    sets = (
        {key: frozenset(map(str, errors[key])) for key in ("ok", "retry", "expired", "forbidden") if key in errors}
        if errors
        else {}
    )
    return Api(
        auth=described.get("auth", {"kind": "none"}),
        headers=described.get("headers", {}),
        params=described.get("params", {}),
        limits=Limits(**described.get("limits", {})),
        errors=Codes(code=errors["code"], required=errors.get("required", False), **sets) if errors else None,
        no_content=frozenset(described.get("no_content", [204])),
    )


def requests_of(api: Mapping[str, Any], described: Mapping[str, Any], timezone: str) -> list[Request]:
    """Return the requests that a ``request:`` or ``deletions:`` section stands for: one, or one of each of its ``reads``."""
    base = {**{key: api[key] for key in _SHARED if key in api}, **described}
    paging, time = ({**api.get(key, {}), **described.get(key, {})} for key in ("paging", "time"))
    earliest = time.get("earliest")
    made = []
    for read in base.get("reads", [{"name": ""}]):
        one = {**base, **read}
        made.append(
            Request(
                name=one["name"],
                method=one.get("method", "GET"),
                path=one["path"],
                params={**base.get("params", {}), **read.get("params", {})},
                headers=one.get("headers", {}),
                body=one.get("body"),
                records=one.get("records", ""),
                paging=Paging(**paging),
                times=TimeFormat(time.get("format", "iso"), ZoneInfo(time.get("zone", timezone))),
                earliest=datetime.fromisoformat(earliest) if earliest else None,
                sparse=one.get("sparse", False),
                add={**base.get("add", {}), **read.get("add", {})},
                first_load=one.get("first_load"),
            )
        )
    return made


def check_described(path: Path, raw: Mapping[str, Any]) -> None:
    """Check what the description of a REST source says about its API.

    Raises
    ------
    SpecError naming file and key.
    """
    api = raw["api"]
    _validate(f"{path.name}: api", "api", api)
    _check_placeholders(f"{path.name}: api", {key: api[key] for key in ("headers", "params") if key in api}, api)
    for entity, body in raw["entities"].items():
        for section in ("request", "deletions"):
            if section in body:
                _check_request(f"{path.name}: entities.{entity}.{section}", section, api, body[section], raw)


def _check_request(at: str, section: str, api: Mapping[str, Any], described: Mapping[str, Any], raw: Mapping[str, Any]) -> None:
    _validate(at, "request", described)
    if (section == "deletions") != ("deleted_at" in described):
        raise SpecError(f"{at}.deleted_at: needed in deletions, and only there.")
    if "path" not in described and not all("path" in read for read in described.get("reads", [{}])):
        raise SpecError(f"{at}.path: missing.")
    time = {**api.get("time", {}), **described.get("time", {})}
    try:
        ZoneInfo(time.get("zone", "UTC"))
        if datetime.fromisoformat(time.get("earliest", "2000-01-01T00:00:00Z")).tzinfo is None:
            raise SpecError(f"{at}.time.earliest: needs an offset, such as 2000-01-01T00:00:00+08:00.")
    except (ZoneInfoNotFoundError, ValueError):
        raise SpecError(f"{at}.time: zone or earliest cannot be read.") from None
    for request in requests_of(api, described, str(raw.get("timezone", "Asia/Shanghai"))):
        _check_placeholders(at, [request.path, dict(request.params), dict(request.headers), dict(request.body or {})], api)
        _check_paging(at, request)
        if request.body is not None and request.method == "GET":
            raise SpecError(f"{at}.body: a GET carries none; add method: POST.")
        if request.first_load and request.first_load["with"] not in FIRST_LOADS:
            raise SpecError(f"{at}.first_load.with: known are {', '.join(FIRST_LOADS)}.")


def _check_paging(at: str, request: Request) -> None:
    paging, used = request.paging, request.asks_for
    needs = {"page": {"page"}, "offset": {"offset"}, "token": {"token"}, "keyset": {"after"}}.get(paging.style, set())
    if missing := needs - used:
        raise SpecError(f"{at}: paging of style {paging.style} needs {{{min(missing)}}} somewhere in the request.")
    key = {"token": "token", "link": "link", "keyset": "by"}.get(paging.style)
    if key and not getattr(paging, key):
        raise SpecError(f"{at}.paging.{key}: missing; style {paging.style} needs it.")


def _check_placeholders(at: str, node: Any, api: Mapping[str, Any]) -> None:
    kept = api.get("auth", {}).get("keep", {})
    for name in placeholders(node):
        if name in NAMES or name.startswith("secret.") or name in ("auth.token", *(f"auth.{key}" for key in kept)):
            continue
        nearest = difflib.get_close_matches(name, NAMES, n=1)
        hint = f"did you mean {{{nearest[0]}}}?" if nearest else f"known are {', '.join(NAMES)}, secret.NAME and auth.token"
        raise SpecError(f"{at}: {{{name}}} is no placeholder; {hint}.")


@cache
def _validators() -> Mapping[str, Any]:
    schemas = {
        name: json.loads((Path(__file__).parent / f"{name}.schema.json").read_text(encoding="utf-8"))
        for name in ("api", "request")
    }
    registry: Any = referencing.Registry().with_resources(
        (f"{name}.schema.json", referencing.Resource.from_contents(schema)) for name, schema in schemas.items()
    )
    return {name: jsonschema.Draft202012Validator(schema, registry=registry) for name, schema in schemas.items()}


def _validate(at: str, schema: str, node: Any) -> None:
    """Name the key of the first thing wrong, in a choice that of the branch that was meant."""
    errors = sorted(_validators()[schema].iter_errors(node), key=lambda error: [str(part) for part in error.path])
    if not errors:
        return
    error = min(_meant(errors[0], node), key=lambda found: -len(found.absolute_path))
    key = ".".join(str(part) for part in error.absolute_path)
    raise SpecError(f"{at}{'.' if key else ''}{key}: {error.message}.")


def _meant(error: Any, node: Any) -> Iterator[Any]:
    """Yield what is wrong in the kind of login that was named, rather than that the five others do not fit either."""
    kind = node.get("auth", {}).get("kind") if isinstance(node, Mapping) and list(error.absolute_path) == ["auth"] else None
    if kind is not None:
        branches: dict[int, list[Any]] = {}
        for inner in error.context:
            branches.setdefault(inner.schema_path[0], []).append(inner)
        for found in branches.values():
            if not any(list(inner.absolute_path) == ["auth", "kind"] for inner in found):
                yield from found
                return
    yield error
