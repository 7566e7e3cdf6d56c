"""Who may do what, by Airflow's own users and rights. Routes of plugins are open to everybody unless they ask themselves.

* **look**: may read the DAG ``retention_measure``.
* **customer**: may start runs of ``retention_privacy``, which carries out what customers ask about their own data: whoever is
  trusted with that may see one customer by pseudonym.
* **approve**: may answer the question of ``retention_audience``, here as under Required Actions.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any
from urllib.parse import urlsplit

from airflow.api_fastapi.app import get_auth_manager
from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity, DagDetails
from airflow.api_fastapi.core_api.security import get_user
from airflow.configuration import conf
from airflow.models.dag import DagModel
from fastapi import Depends, Request

from retention.console import Refused
from retention_airflow.console.limits import Limits

HEADER = "x-retention-console"
"""A header that a form or a link of another site cannot send."""
AUDIENCE, QUESTION = "retention_audience", "ask_approval"

User = Annotated[Any, Depends(get_user)]


def login_of(user: Any) -> str:
    """Return the name under which somebody's looks and answers are kept."""
    return str(user.get_name() or user.get_id())


def may_look(user: Any) -> bool:
    """Whether somebody may see figures."""
    return _may(user, "GET", None, "retention_measure")


def may_see_customers(user: Any) -> bool:
    """Whether somebody may see one customer by pseudonym."""
    return may_look(user) and _may(user, "POST", DagAccessEntity.RUN, "retention_privacy")


def may_answer(user: Any) -> bool:
    """Whether somebody may approve or reject a push."""
    return may_look(user) and _may(user, "PUT", DagAccessEntity.HITL_DETAIL, AUDIENCE)


def _may(user: Any, method: Any, entity: DagAccessEntity | None, dag_id: str) -> bool:
    details = DagDetails(id=dag_id, team_name=DagModel.get_team_name(dag_id))
    return bool(get_auth_manager().is_authorized_dag(method=method, access_entity=entity, details=details, user=user))


def rights_of(user: Any) -> dict[str, bool]:
    """Return what somebody may do, for the page to show or explain."""
    return {"look": may_look(user), "customer": may_see_customers(user), "approve": may_answer(user)}


def requires(kind: str, right: Callable[[Any], bool], code: str) -> Callable[..., Any]:
    """Return a dependency that lets a request through with a right and within the limits, and gives the user.

    Parameters
    ----------
    kind : str
        Of :data:`retention_airflow.console.limits.RATES`.
    right : callable
        Whether a user has it.
    code : str
        Error to answer without it.
    """

    def dependency(request: Request, user: User) -> Any:
        limits: Limits = request.app.state.limits
        wait = limits.wait_seconds(login_of(user), kind)
        if wait:
            raise Refused("too_many", 429, retry_after_seconds=max(1, round(wait)))
        if not right(user):
            if kind == "customer" and may_look(user):
                request.app.state.console().refused_customer(str(request.path_params.get("key", "")), login_of(user))
            raise Refused(code, 403)
        return user

    return dependency


def from_own_page(request: Request) -> None:
    """Let a change through only if the console's own page asked for it: the session is a cookie, which other sites can use.

    Raises
    ------
    Refused without the header, without JSON, or from another origin.
    """
    if request.headers.get(HEADER) != "1":
        raise Refused("not_from_here", 403)
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise Refused("wrong_body", 415)
    if request.headers.get("sec-fetch-site", "same-origin") != "same-origin":
        raise Refused("not_from_here", 403)
    origin = request.headers.get("origin")
    if origin is not None and urlsplit(origin).netloc not in _own_hosts(request):
        raise Refused("not_from_here", 403)


def _own_hosts(request: Request) -> set[str]:
    configured = urlsplit(conf.get("api", "base_url", fallback="") or "").netloc
    return {host for host in (request.headers.get("host", ""), configured) if host}


Looker = Annotated[Any, Depends(requires("look", may_look, "not_allowed"))]
CustomerLooker = Annotated[Any, Depends(requires("customer", may_see_customers, "not_allowed_customer"))]
Answerer = Annotated[Any, Depends(requires("answer", may_answer, "not_allowed_answer"))]
