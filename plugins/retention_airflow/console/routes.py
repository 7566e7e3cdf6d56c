"""Every address of the console. Each asks who is there and what they may; what is not listed asks who is there, too."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError
from starlette.concurrency import run_in_threadpool

from retention.console import Answered, Console, Refused
from retention.console.pushes import answerable
from retention.console.words import said
from retention_airflow.console.answering import give, question
from retention_airflow.console.envelope import wrapped
from retention_airflow.console.rights import Answerer, CustomerLooker, Looker, User, from_own_page, login_of, may_answer

router = APIRouter()
EVERY_METHOD = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"]
MOST_SPAN = timedelta(days=1_100)

Name = Annotated[str, StringConstraints(pattern=r"^[\w.:+ \-/*]{1,80}$")]
Member = Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f]{1,120}$")]
"""Regions and the like are named as sources name them."""
Names = Annotated[str, StringConstraints(pattern=r"^[a-z0-9_]{1,60}(,[a-z0-9_]{1,60}){0,30}$")]


class Decision(BaseModel):
    """What somebody decides: for exactly what was shown, and why."""

    model_config = ConfigDict(extra="ignore")

    version: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{16}$")]
    reason: Annotated[str, StringConstraints(strip_whitespace=True, min_length=3, max_length=500)]


def console_of(request: Request) -> Console:
    """Return the console of this process, opened at the first question."""
    console: Console = request.app.state.console()
    return console


def answer(request: Request, answered: Answered, user: Any, *, keep: bool = True) -> Response:
    """Wrap an answer for whoever asked."""
    console = console_of(request)
    waiting = sum(1 for item in console.waiting() if item["version"] not in request.app.state.settled)
    return wrapped(request, console.settings, answered, user, waiting=waiting, keep=keep)


# -- the page ---------------------------------------------------------------------------------------------------------------
@router.get("/", include_in_schema=False)
def page(request: Request, user: User) -> Response:
    """Give the page itself, and get ready for its first question meanwhile."""
    request.app.state.warm()
    served: Response = request.app.state.pages.serve(request, "index.html")
    return served


@router.get("/static/{name:path}", include_in_schema=False)
def file(request: Request, name: str, user: User) -> Response:
    """Give one file of the page."""
    served: Response = request.app.state.pages.serve(request, name)
    return served


# -- looking ----------------------------------------------------------------------------------------------------------------
@router.get("/api/overview")
async def overview(request: Request, user: Looker) -> Response:
    """Give everything of the first view."""
    waiting = await _waiting(request, user)
    answered = await run_in_threadpool(console_of(request).overview, waiting)
    return await run_in_threadpool(answer, request, answered, user)


@router.get("/api/kpis")
def kpis(
    request: Request,
    user: Looker,
    dimension: Name = "all",
    period: Literal["day", "month"] = "day",
    from_date: Annotated[date | None, Query(alias="from")] = None,
    to_date: Annotated[date | None, Query(alias="to")] = None,
    kpi: Names | None = None,
    member: Member | None = None,
) -> Response:
    """Give KPIs over time, by members of a dimension."""
    if from_date and to_date and not timedelta(0) <= to_date - from_date <= MOST_SPAN:
        raise Refused("wrong_parameter", 400)
    names = tuple(sorted(set(kpi.split(",")))) if kpi else ()
    return answer(request, console_of(request).kpis(dimension, period, from_date, to_date, names, member), user)


@router.get("/api/customers")
def customers(request: Request, user: Looker) -> Response:
    """Give customers as groups."""
    return answer(request, console_of(request).customers(), user)


@router.get("/api/plays")
def plays(request: Request, user: Looker) -> Response:
    """Give every play."""
    return answer(request, console_of(request).plays(), user)


@router.get("/api/plays/{play}")
def play(request: Request, play: Name, user: Looker) -> Response:
    """Give one play."""
    return answer(request, console_of(request).play(play), user)


@router.get("/api/programme")
def programme(request: Request, user: Looker) -> Response:
    """Give the programme as a whole."""
    return answer(request, console_of(request).programme(), user)


@router.get("/api/models")
def models(request: Request, user: Looker) -> Response:
    """Give every model."""
    return answer(request, console_of(request).models(), user)


@router.get("/api/quality")
def quality(request: Request, user: Looker) -> Response:
    """Give checks, quarantine and deliveries."""
    return answer(request, console_of(request).quality(), user)


@router.get("/api/health")
def health(request: Request, user: Looker) -> Response:
    """Give the health of pipeline and audiences."""
    return answer(request, console_of(request).health(), user)


@router.get("/api/complaints")
def complaints(request: Request, user: Looker) -> Response:
    """Give the complaint clock, causes and the weekly review."""
    return answer(request, console_of(request).complaints(), user)


@router.get("/api/customer/{key}")
def customer(request: Request, key: str, user: CustomerLooker) -> Response:
    """Give one customer by pseudonym, after putting the look on record."""
    return answer(request, console_of(request).customer(key, login_of(user)), user, keep=False)


# -- deciding ---------------------------------------------------------------------------------------------------------------
@router.get("/api/pushes")
async def pushes(request: Request, user: Looker) -> Response:
    """Give what waits for approval, as Airflow sees it for who asks, and what went out."""
    items = await _waiting(request, user)
    answered = await run_in_threadpool(console_of(request).pushes)
    told = Answered(answered.as_of_date, {"items": items, **answered.data})
    return await run_in_threadpool(answer, request, told, user)


@router.post("/api/pushes/{run_id:path}/approve")
async def approve(request: Request, run_id: str, user: Answerer) -> Response:
    """Approve what a push held back, by answering the question of its run."""
    return await _decide(request, run_id, "approve", user)


@router.post("/api/pushes/{run_id:path}/reject")
async def reject(request: Request, run_id: str, user: Answerer) -> Response:
    """Reject what a push held back, by answering the question of its run."""
    return await _decide(request, run_id, "reject", user)


async def _waiting(request: Request, user: Any) -> list[dict[str, Any]]:
    found = await run_in_threadpool(console_of(request).waiting)
    if not found:
        return []
    allowed = await run_in_threadpool(may_answer, user)
    items = []
    for item in found:
        asked = await question(request, item["id"])
        if asked is not None and asked["answered_by"] is not None:
            request.app.state.settled.add(item["version"])
        items.append(answerable(item, asked, may_answer=allowed))
    return items


async def _decide(request: Request, run_id: str, name: Literal["approve", "reject"], user: Any) -> Response:
    from_own_page(request)
    try:
        # Read here and not by the framework, which reads what anybody sends before it asks who they are.
        decision = Decision.model_validate_json(await request.body())
    except ValidationError:
        raise Refused("wrong_body", 422) from None
    console = console_of(request)
    items = [item for item in await run_in_threadpool(console.waiting) if item["id"] == run_id]
    if not items:
        raise Refused("unknown_push", 404)
    if items[0]["version"] != decision.version:
        raise Refused("changed", 409)
    taken = await give(request, run_id, name, decision.reason)
    request.app.state.settled.add(decision.version)
    data = {
        "id": run_id,
        "decision": name,
        "answered_by": login_of(user),
        "answered_at": taken.get("responded_at"),
        "message": said("push", "approved" if name == "approve" else "rejected"),
    }
    return await run_in_threadpool(answer, request, Answered(None, data), user, keep=False)


# -- everything else --------------------------------------------------------------------------------------------------------
@router.api_route("/{anything:path}", methods=EVERY_METHOD, include_in_schema=False)
def nothing(anything: str, user: User) -> Response:
    """Answer for every other address and method, to who is logged in: nothing is there."""
    raise Refused("unknown", 404)
