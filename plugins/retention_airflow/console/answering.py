"""Approving and rejecting a push: the answer goes to Airflow's own question, over Airflow's own interface, as whoever gives it.

There is no second way: what Airflow would refuse under Required Actions it refuses here, and it keeps its own record of who
answered. The request does not leave the process; it carries the credentials with which the console was called.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import httpx
from fastapi import Request

from retention.console import Refused
from retention_airflow.console.rights import AUDIENCE, QUESTION

log = logging.getLogger("retention.console")

APPROVE, REJECT = "Approve", "Reject"
_PATIENCE_SECONDS = 15
_FORWARDED = ("authorization", "cookie")
_CODES = {401: ("not_logged_in", 401), 403: ("not_allowed_answer", 403), 404: ("unknown_push", 404), 409: ("answered", 409)}


async def question(request: Request, run_id: str) -> dict[str, Any] | None:
    """Return what Airflow asked for a run and whether somebody has answered; None while it has not asked, or may not be read.

    Returns
    -------
    ``asked_at``, ``answer_by``, ``answered_by``, ``answered_at`` and ``answer`` (approve or reject).
    """
    if "retention.airflow" not in request.scope:
        return None
    answer = await _call(request, "GET", f"{_run(run_id)}/hitlDetails?limit=1&order_by=-created_at&task_id={QUESTION}")
    if answer.status_code != 200:
        return None
    found = [item for item in answer.json().get("hitl_details", []) if item["task_instance"]["task_id"] == QUESTION]
    if not found:
        return None
    newest = found[0]
    by = newest.get("responded_by_user") or {}
    chosen = newest.get("chosen_options") or []
    return {
        "asked_at": newest["created_at"],
        "answer_by": None,
        "answered_by": (by.get("name") or by.get("id") or "Airflow") if newest.get("response_received") else None,
        "answered_at": newest.get("responded_at"),
        "answer": "approve" if chosen == [APPROVE] else "reject",
    }


async def give(request: Request, run_id: str, decision: str, reason: str) -> Mapping[str, Any]:
    """Answer the question of a run.

    Parameters
    ----------
    request : Request
        Whose credentials are used.
    run_id : str
        Run of ``retention_audience``.
    decision, reason : str
        approve or reject, and why; the reason goes into ``campaigns.approval`` when the task goes on.

    Raises
    ------
    Refused when Airflow does not take it: somebody was quicker, has no right, or it is not waiting.
    """
    body = {"chosen_options": [APPROVE if decision == "approve" else REJECT], "params_input": {"reason": reason}}
    answer = await _call(request, "PATCH", f"{_run(run_id)}/taskInstances/{QUESTION}/-1/hitlDetails", body)
    if answer.status_code == 200:
        taken: Mapping[str, Any] = answer.json()
        return taken
    log.warning("Airflow answered %s to a decision on a push of the console", answer.status_code)
    raise Refused(*_CODES.get(answer.status_code, ("cannot_answer", 503)))


def _run(run_id: str) -> str:
    return f"/api/v2/dags/{AUDIENCE}/dagRuns/{quote(run_id, safe='')}"


async def _call(request: Request, method: str, path: str, body: Mapping[str, Any] | None = None) -> httpx.Response:
    """Call Airflow's REST interface in this process, as whoever called the console."""
    airflow = request.scope.get("retention.airflow")
    if airflow is None:
        raise Refused("cannot_answer", 503)
    headers = {name: request.headers[name] for name in _FORWARDED if name in request.headers}
    transport = httpx.ASGITransport(app=airflow, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://airflow", timeout=_PATIENCE_SECONDS) as client:
        return await client.request(method, path, json=body, headers=headers)
