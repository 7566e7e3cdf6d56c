"""What every answer is wrapped in, and what errors look like: always the same, always in both languages."""

from __future__ import annotations

import hashlib
import json
import logging
from datetime import UTC, datetime, timedelta
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse, Response
from starlette.exceptions import HTTPException

from retention.console import Answered, Refused, error, failure_code
from retention.settings import Settings
from retention.warehouse import RetentionError
from retention_airflow.console.rights import login_of, rights_of
from retention_airflow.console.shield import BodyTooLarge

log = logging.getLogger("retention.console")

API = 1
_CODES = {401: "not_logged_in", 403: "not_allowed", 404: "unknown", 405: "unknown", 413: "too_large", 429: "too_many"}
_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Retention</title></head>
<body><main><h1>{title}</h1><p>{en}</p><p lang="zh">{zh}</p></main></body></html>
"""


def meta(settings: Settings, answered: Answered, user: Any, waiting: int = 0) -> dict[str, Any]:
    """Return what an answer holds for, in which units, and what who asks may do."""
    day = answered.as_of_date
    company = settings.company
    return {
        "api": API,
        "as_of_date": day.isoformat() if day else None,
        "business_date": (day - timedelta(days=1)).isoformat() if day else None,
        "generated_at": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "currency": {"code": company.base_currency, "minor_units": company.base_currency_minor_digits},
        "timezone": company.business_timezone,
        "suppressed_below": settings.keep.suppressed_group_size,
        "user": {"name": login_of(user)},
        "can": rights_of(user),
        "pushes_waiting": waiting,
    }


def wrapped(
    request: Request, settings: Settings, answered: Answered, user: Any, *, waiting: int = 0, keep: bool = True
) -> Response:
    """Return an answer with its meta, not sent again to a browser that has it.

    Parameters
    ----------
    request : Request
        With what the browser already has.
    settings : Settings
        Units and time zone.
    answered : Answered
        The answer.
    user : user of Airflow
        Whose rights stand in the meta.
    waiting : int
        Pushes that wait for an answer.
    keep : bool
        Whether the browser may keep it; never for single customers.
    """
    about = meta(settings, answered, user, waiting)
    body: dict[str, Any] = {"state": "ok", "meta": about, "data": answered.data}
    if answered.is_empty:
        body = {**answered.data, "meta": about, "data": None}
    # The tag leaves out the minute of the answer: what has not changed is not sent again.
    told = json.dumps({**body, "meta": {**about, "generated_at": None}}, ensure_ascii=False, sort_keys=True)
    tag = f'"{hashlib.sha256(told.encode()).hexdigest()[:32]}"'
    headers = {"cache-control": "private, no-cache", "etag": tag} if keep else {"cache-control": "private, no-store"}
    if keep and request.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers=headers)
    return JSONResponse(body, headers=headers)


def refused(code: str, status: int, retry_after_seconds: int | None = None, request: Request | None = None) -> Response:
    """Return an error as the page understands it; as a small page where a person opened the address itself."""
    body = error(code)
    headers = {"cache-control": "private, no-store"}
    if retry_after_seconds is not None:
        headers["retry-after"] = str(retry_after_seconds)
        body["retry_after_seconds"] = retry_after_seconds
    if request is not None and "/api/" not in request.url.path and "text/html" in request.headers.get("accept", ""):
        en = f"{body['message_en']} {body['what_to_do_en']}"
        zh = f"{body['message_zh']} {body['what_to_do_zh']}"
        return HTMLResponse(_PAGE.format(title="Retention", en=en, zh=zh), status_code=status, headers=headers)
    return JSONResponse({**body, "data": None}, status_code=status, headers=headers)


def add_error_handlers(app: FastAPI) -> None:
    """Let every error leave in the console's own form, without a word of what went wrong inside."""
    from sqlalchemy.exc import SQLAlchemyError

    @app.exception_handler(Refused)
    def on_refused(request: Request, failed: Refused) -> Response:
        return refused(failed.code, failed.status, failed.retry_after_seconds, request)

    @app.exception_handler(HTTPException)
    def on_http(request: Request, failed: HTTPException) -> Response:
        return refused(_CODES.get(failed.status_code, "unexpected"), failed.status_code, None, request)

    @app.exception_handler(RequestValidationError)
    def on_invalid(request: Request, failed: RequestValidationError) -> Response:
        in_body = any(item.get("loc", ("",))[0] == "body" for item in failed.errors())
        return refused("wrong_body", 422) if in_body else refused("wrong_parameter", 400)

    @app.exception_handler(BodyTooLarge)
    def on_large(request: Request, failed: BodyTooLarge) -> Response:
        return refused("too_large", 413)

    @app.exception_handler(RetentionError)
    @app.exception_handler(SQLAlchemyError)
    def on_database(request: Request, failed: Exception) -> Response:
        code = failure_code(failed)
        return refused(code, 503 if code == "database" else 504, None, request)

    @app.exception_handler(Exception)
    def on_other(request: Request, failed: Exception) -> Response:
        log.error("The console failed at %s: %s", request.url.path, type(failed).__name__)
        return refused("unexpected", 500, None, request)
