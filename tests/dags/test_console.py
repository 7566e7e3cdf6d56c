"""The console over HTTP, inside a real Airflow: who is let in where, what answers look like, and that a push is answered once."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import pytest

from tests.dags.console_site import StubConsole, login

DOORS = [
    "docs",
    "redoc",
    "openapi.json",
    "docs/oauth2-redirect",
    "static/",
    "static/../app.py",
    "static/..%2fapp.py",
    "nothing/here",
]
METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
OWN_PAGE = {"x-retention-console": "1", "content-type": "application/json"}
RUN = "manual__2026-03-31T16:00:00+00:00"
VERSION = "0123456789abcdef"
REASON = "win-back week"
COUNTER = itertools.count()


def held_push() -> dict[str, Any]:
    return {"id": RUN, "business_date": "2026-03-31", "asked_at": "2026-03-31T17:00:00Z", "answer_by": None, "can_answer": False,
            "why_not": None, "version": VERSION, "excess": [{"play": "win_back"}]}  # fmt: skip


@pytest.fixture(scope="module")
def console() -> StubConsole:
    return StubConsole()


@pytest.fixture(scope="module")
def site(console: StubConsole) -> Iterator[Any]:
    """Airflow's API server with its own start, except that the console's warehouse is a stand-in."""
    import os

    os.environ["AIRFLOW__API_AUTH__JWT_SECRET"] = "a-secret-for-tests-only-" * 4
    os.environ["AIRFLOW__SIMPLE_AUTH_MANAGER__USERS"] = "vic:viewer,uma:user,oleg:op,ada:admin"
    from airflow.api_fastapi.app import create_app
    from airflow.plugins_manager import get_fastapi_plugins
    from airflow.utils.db import initdb
    from fastapi.testclient import TestClient

    initdb()
    root = create_app(apps="core")
    (ours,) = [entry["app"] for entry in get_fastapi_plugins()[0] if entry["url_prefix"] == "/retention"]
    ours.state.console, ours.state.warm = lambda: console, lambda: None
    with TestClient(root, base_url="http://retention.test") as client:
        client.ours = ours
        yield client


@pytest.fixture(autouse=True)
def fresh(console: StubConsole, site: Any) -> None:
    from retention_airflow.console.limits import Limits

    console.asked.clear()
    console.held, console.fails = [], None
    site.ours.state.limits = Limits()
    site.ours.state.settled.clear()
    site.cookies.clear()


def addresses(site: Any) -> list[tuple[str, str]]:
    """Every method and address that the application knows, with values in the place of names."""
    found = []
    for route in site.ours.routes:
        path = route.path.replace("{name:path}", "index.html").replace("{play}", "welcome").replace("{key}", "7")
        path = path.replace("{run_id:path}", RUN).replace("{anything:path}", "anything/else")
        found += [(method, f"/retention{path}") for method in sorted(route.methods)]
    return found


def test_the_application_has_the_routes_that_are_walked(site: Any) -> None:
    walked = addresses(site)
    assert ("GET", "/retention/api/overview") in walked
    assert ("POST", f"/retention/api/pushes/{RUN}/approve") in walked
    assert len({path for _, path in walked}) >= 15
    assert all(hasattr(route, "methods") for route in site.ours.routes), "a mount would answer without asking who is there"


def test_no_address_answers_to_nobody(site: Any, console: StubConsole) -> None:
    walked = addresses(site) + [(method, f"/retention/{door}") for door in DOORS for method in METHODS]
    walked += [(method, path) for _, path in addresses(site) for method in METHODS]
    answers = {(method, path): site.request(method, path).status_code for method, path in walked}
    assert set(answers.values()) == {401}, [key for key, status in answers.items() if status != 401]
    assert console.asked == []


@pytest.mark.parametrize("token", ["Bearer not-a-token", "Bearer ", "Basic dml4OnZpYw=="])
def test_no_address_answers_to_a_wrong_token(site: Any, console: StubConsole, token: str) -> None:
    for method, path in addresses(site):
        assert site.request(method, path, headers={"authorization": token}).status_code in (401, 403), (method, path)
    assert console.asked == []


def test_a_body_is_not_read_before_it_is_known_who_sends_it(site: Any) -> None:
    for body in (b"{", b"x" * 100_000):
        assert site.post(f"/retention/api/pushes/{RUN}/approve", content=body, headers=OWN_PAGE).status_code == 401


def test_the_guard_is_what_closes_the_door(site: Any) -> None:
    """Without Airflow's user dependency the same walk finds the page open: the test would see a route that forgot to ask."""
    from airflow.api_fastapi.core_api.security import get_user

    site.ours.dependency_overrides[get_user] = lambda: None
    try:
        assert site.get("/retention/").status_code == 200
    finally:
        site.ours.dependency_overrides.clear()
    assert site.get("/retention/").status_code == 401


def test_documentation_is_closed_to_those_inside_too(site: Any) -> None:
    for door in DOORS:
        assert site.get(f"/retention/{door}", headers=login(site, "ada")).status_code == 404, door


@pytest.mark.parametrize(
    ("person", "look", "one_customer", "approve"),
    [("vic", 200, 403, 403), ("uma", 200, 200, 404), ("oleg", 200, 200, 404), ("ada", 200, 200, 404), ("nora", 403, 403, 403)],
)
def test_each_person_gets_what_their_role_allows(site: Any, person: str, look: int, one_customer: int, approve: int) -> None:
    headers = login(site, person)
    for name in ("overview", "kpis", "customers", "plays", "plays/welcome", "programme", "models", "quality", "health",
                 "complaints", "pushes"):  # fmt: skip
        assert site.get(f"/retention/api/{name}", headers=headers).status_code == look, name
    assert site.get("/retention/api/customer/7", headers=headers).status_code == one_customer
    body = {"version": VERSION, "reason": REASON}
    answer = site.post(f"/retention/api/pushes/{RUN}/approve", headers={**headers, **OWN_PAGE}, json=body)
    assert answer.status_code == approve


def test_answers_say_what_the_reader_may_do(site: Any) -> None:
    assert site.get("/retention/api/plays", headers=login(site, "vic")).json()["meta"]["can"] == {
        "look": True, "customer": False, "approve": False,
    }  # fmt: skip
    meta = site.get("/retention/api/plays", headers=login(site, "uma")).json()["meta"]
    assert meta["can"] == {"look": True, "customer": True, "approve": True}
    assert (meta["user"], meta["currency"]) == ({"name": "uma"}, {"code": "CNY", "minor_units": 2})


def test_who_is_refused_a_customer_is_on_record(site: Any, console: StubConsole) -> None:
    site.get("/retention/api/customer/7", headers=login(site, "vic"))
    assert console.asked == [("refused_customer", "7", "vic")]
    site.get("/retention/api/customer/7", headers=login(site, "uma"))
    assert console.asked[-1] == ("customer", "7", "uma")


def test_every_answer_carries_the_headers(site: Any, console: StubConsole) -> None:
    from retention_airflow.console.shield import HEADERS

    headers = login(site, "ada")
    answers = [site.request(method, path, headers=headers) for method, path in addresses(site)]
    answers += [site.get("/retention/"), site.get("/retention/docs")]
    console.fails = RuntimeError("a row: Ana Ruiz")
    with pytest.raises(RuntimeError):
        site.get("/retention/api/plays", headers=headers)
    for answer in answers:
        assert {name: answer.headers.get(name) for name in HEADERS} == HEADERS, answer.url
        assert "access-control-allow-origin" not in answer.headers
        assert answer.headers["cache-control"] in ("private, no-cache", "private, no-store")
    policy = HEADERS["content-security-policy"]
    assert "unsafe" not in policy
    assert "frame-ancestors 'self'" in policy


def test_an_unforeseen_failure_says_nothing_of_itself(site: Any, console: StubConsole) -> None:
    from fastapi.testclient import TestClient

    console.fails = RuntimeError("a row: Ana Ruiz")
    quiet = TestClient(site.app, raise_server_exceptions=False)
    answer = quiet.get("/retention/api/plays", headers=login(site, "ada"))
    assert (answer.status_code, answer.json()["code"]) == (500, "unexpected")
    assert "Ana" not in answer.text
    assert "default-src 'none'" in answer.headers["content-security-policy"]


def test_a_warehouse_that_is_not_there_is_said_with_what_to_do(site: Any, console: StubConsole) -> None:
    from retention.warehouse import ConnectionLost

    console.fails = ConnectionLost("database warehouse at 127.0.0.1:5432: no connection. Safe to retry.")
    answer = site.get("/retention/api/plays", headers=login(site, "vic"))
    body = answer.json()
    assert (answer.status_code, body["state"], body["code"]) == (503, "error", "database")
    assert body["what_to_do_en"]
    assert body["message_zh"]
    assert "127.0.0.1" not in answer.text


@pytest.mark.parametrize(
    "query",
    [
        "period=week",
        "from=yesterday",
        "dimension=tier'--",
        "kpi=a;b",
        "from=2026-03-01&to=2026-02-01",
        "dimension=" + "x" * 200,
    ],
)
def test_a_wrong_parameter_is_refused_before_anything_is_asked(site: Any, console: StubConsole, query: str) -> None:
    answer = site.get(f"/retention/api/kpis?{query}", headers=login(site, "vic"))
    assert (answer.status_code, answer.json()["code"]) == (400, "wrong_parameter")
    assert console.asked == []


def test_a_member_is_named_as_its_source_names_it(site: Any, console: StubConsole) -> None:
    query = {"dimension": "region", "member": "内蒙古 (Inner Mongolia)"}
    assert site.get("/retention/api/kpis", params=query, headers=login(site, "vic")).status_code == 200
    assert console.asked[0][-1] == "内蒙古 (Inner Mongolia)"


def test_what_has_not_changed_is_not_sent_again(site: Any) -> None:
    headers = login(site, "vic")
    first = site.get("/retention/api/plays", headers=headers)
    again = site.get("/retention/api/plays", headers={**headers, "if-none-match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    other = site.get("/retention/api/plays", headers={**login(site, "uma"), "if-none-match": first.headers["etag"]})
    assert other.status_code == 200, "another person may do other things: what is kept for one is not the other's"


def test_one_customer_is_never_kept_by_a_browser(site: Any) -> None:
    answer = site.get("/retention/api/customer/7", headers=login(site, "uma"))
    assert answer.headers["cache-control"] == "private, no-store"
    assert "etag" not in answer.headers


def test_the_page_and_its_files(site: Any) -> None:
    headers = login(site, "vic")
    page = site.get("/retention/", headers=headers)
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    again = site.get("/retention/", headers={**headers, "if-none-match": page.headers["etag"]})
    assert again.status_code == 304
    types = {name: site.get(f"/retention/static/{name}", headers=headers).headers["content-type"]
             for name in site.ours.state.pages.names}  # fmt: skip
    assert {kind for name, kind in types.items() if name.endswith(".js")} == {"text/javascript; charset=utf-8"}
    assert site.get("/retention/static/app.py", headers=headers).status_code == 404


def test_a_person_without_a_session_sees_a_page_that_says_so(site: Any) -> None:
    answer = site.get("/retention/", headers={"accept": "text/html"})
    assert answer.status_code == 401
    assert "Log in to Airflow" in answer.text
    assert "请登录" in answer.text


# -- who asks too much ------------------------------------------------------------------------------------------------------
def test_who_asks_too_often_waits_and_others_do_not(site: Any) -> None:
    from retention_airflow.console.limits import Limits, Rate

    moment = [0.0]
    site.ours.state.limits = Limits({"look": Rate(2, 0.5), "customer": Rate(1, 1)}, clock=lambda: moment[0])
    vic = login(site, "vic")
    found = [site.get("/retention/api/plays", headers=vic) for _ in range(3)]
    assert [answer.status_code for answer in found] == [200, 200, 429]
    assert (found[2].headers["retry-after"], found[2].json()["code"]) == ("2", "too_many")
    assert site.get("/retention/api/plays", headers=login(site, "ada")).status_code == 200
    moment[0] += 2
    assert site.get("/retention/api/plays", headers=vic).status_code == 200


# -- approving --------------------------------------------------------------------------------------------------------------
FORGERIES = {
    "without the header": {"content-type": "application/json"},
    "as a form": {"x-retention-console": "1", "content-type": "application/x-www-form-urlencoded"},
    "as text": {"x-retention-console": "1", "content-type": "text/plain"},
    "from another site": {**OWN_PAGE, "sec-fetch-site": "cross-site"},
    "from a sister site": {**OWN_PAGE, "sec-fetch-site": "same-site"},
    "from another origin": {**OWN_PAGE, "origin": "http://evil.test"},
    "from no origin": {**OWN_PAGE, "origin": "null"},
}


@pytest.mark.parametrize("forged", FORGERIES.values(), ids=FORGERIES)
def test_another_site_cannot_answer_with_somebodys_session(site: Any, console: StubConsole, forged: dict[str, str]) -> None:
    console.held = [held_push()]
    site.cookies.set("_token", login(site, "uma")["authorization"].removeprefix("Bearer "))
    address, body = f"/retention/api/pushes/{RUN}/approve", f'{{"version": "{VERSION}", "reason": "{REASON}"}}'
    assert site.post(address, content=body, headers=forged).status_code in (403, 415)
    own = site.post(
        address, content=body, headers={**OWN_PAGE, "origin": "http://retention.test", "sec-fetch-site": "same-origin"}
    )
    assert own.json()["code"] == "unknown_push", "the own page gets as far as Airflow, which knows of no such run"


@pytest.mark.parametrize(
    "body",
    ["{", "[]", "{}", '{"version": "0123456789abcdef", "reason": "  "}', '{"version": "x", "reason": "because"}',
     '{"version": "0123456789abcdef", "reason": "' + "x" * 501 + '"}'],
)  # fmt: skip
def test_an_answer_needs_the_version_shown_and_a_reason(site: Any, console: StubConsole, body: str) -> None:
    console.held = [held_push()]
    headers = {**login(site, "uma"), **OWN_PAGE}
    answer = site.post(f"/retention/api/pushes/{RUN}/reject", content=body, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (422, "wrong_body")


def test_too_large_an_answer_is_cut_off(site: Any) -> None:
    headers = {**login(site, "uma"), **OWN_PAGE}
    answer = site.post(f"/retention/api/pushes/{RUN}/reject", content=b"x" * 100_000, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")


def test_nothing_is_changed_by_looking(site: Any, console: StubConsole) -> None:
    """No address that reads has a sister that writes under GET."""
    writing = {path for method, path in addresses(site) if method == "POST" and "anything" not in path}
    console.held = [held_push()]
    for path in writing:
        assert site.get(path, headers={**login(site, "ada"), **OWN_PAGE}).status_code == 404
    assert writing == {f"/retention/api/pushes/{RUN}/{decision}" for decision in ("approve", "reject")}


@pytest.fixture
def waiting(console: StubConsole, site: Any) -> str:
    """A push that waits, with Airflow's question for it; returns the address under which it is answered."""
    from tests.dags.console_site import ask

    run_id = f"manual__2026-03-31T16:00:00+00:00_{next(COUNTER)}"
    ask(run_id)
    console.held = [{**held_push(), "id": run_id}]
    return f"/retention/api/pushes/{run_id}"


@pytest.mark.parametrize(("decision", "option"), [("approve", "Approve"), ("reject", "Reject")])
def test_a_push_is_answered_through_airflows_own_question(
    site: Any, console: StubConsole, waiting: str, decision: str, option: str
) -> None:
    """The task goes on with name, option and reason; whoever comes second is told; the list says who was first."""
    from tests.dags.console_site import answered

    run_id, headers = console.held[0]["id"], {**login(site, "uma"), **OWN_PAGE}
    shown = site.get("/retention/api/pushes", headers=headers).json()
    assert (shown["data"]["items"][0]["can_answer"], shown["meta"]["pushes_waiting"]) == (True, 1)
    assert site.get("/retention/api/pushes", headers=login(site, "vic")).json()["data"]["items"][0]["can_answer"] is False

    body = {"version": VERSION, "reason": REASON}
    answer = site.post(f"{waiting}/{decision}", headers=headers, json=body)
    assert (answer.status_code, answer.json()["data"]["answered_by"]) == (200, "uma")
    assert answered(run_id) == ("scheduled", "uma", [option], {"reason": REASON})

    again = site.post(f"{waiting}/approve", headers={**login(site, "ada"), **OWN_PAGE}, json=body)
    assert (again.status_code, again.json()["code"]) == (409, "answered")
    assert answered(run_id)[1] == "uma"
    after = site.get("/retention/api/pushes", headers=headers).json()
    assert after["meta"]["pushes_waiting"] == 0
    assert after["data"]["items"][0]["can_answer"] is False
    assert "uma" in after["data"]["items"][0]["why_not"]["en"]


def test_a_push_is_answered_by_the_session_of_the_page(site: Any, console: StubConsole, waiting: str) -> None:
    from tests.dags.console_site import answered

    site.cookies.set("_token", login(site, "uma")["authorization"].removeprefix("Bearer "))
    answer = site.post(f"{waiting}/approve", headers=OWN_PAGE, json={"version": VERSION, "reason": REASON})
    assert answer.status_code == 200
    assert answered(console.held[0]["id"])[1] == "uma"


def test_what_has_changed_since_it_was_shown_is_not_approved(site: Any, console: StubConsole, waiting: str) -> None:
    from tests.dags.console_site import answered

    answer = site.post(
        f"{waiting}/approve", headers={**login(site, "uma"), **OWN_PAGE}, json={"version": "f" * 16, "reason": REASON}
    )
    assert (answer.status_code, answer.json()["code"]) == (409, "changed")
    assert answered(console.held[0]["id"])[:2] == ("awaiting_input", None)


def test_a_push_of_the_command_line_is_answered_there(site: Any, console: StubConsole) -> None:
    console.held = [{**held_push(), "id": "cli__2026-03-31__ab12"}]
    item = site.get("/retention/api/pushes", headers=login(site, "uma")).json()["data"]["items"][0]
    assert item["can_answer"] is False
    assert "retention audience approve --date 2026-03-31" in item["why_not"]["en"]


# -- in Airflow -------------------------------------------------------------------------------------------------------------
def test_airflow_shows_the_page_in_its_navigation_and_loads_nothing_else(site: Any) -> None:
    from airflow.plugins_manager import get_plugin_info

    (ours,) = [plugin for plugin in get_plugin_info() if plugin["name"] == "retention_console"]
    (view,) = ours["external_views"]
    assert (view["href"], view["destination"], view["nav_top_level"]) == ("/retention/", "nav", True)
    assert ours["fastapi_apps"][0]["url_prefix"] == "/retention"


def test_the_plugin_costs_nothing_where_the_page_is_not_served() -> None:
    """Every component of Airflow loads it, workers for each task too."""
    import subprocess
    import sys

    from tests.dags.conftest import ROOT

    code = (
        "import sys; sys.path[:0] = ['plugins', '.']; import airflow.plugins_manager; known = set(sys.modules); "
        "import retention_console; print(sorted(name for name in set(sys.modules) - known if '.' not in name))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip().splitlines()[-1] == "['retention_console']"


def test_airflow_starts_without_the_page_when_it_cannot_be_made(monkeypatch: pytest.MonkeyPatch) -> None:
    """No page is better than no Airflow, and than a page that asks nobody who they are."""
    import retention_console

    from retention_airflow.console import app

    def broken() -> Any:
        raise ImportError("another version of Airflow")

    monkeypatch.setattr(app, "create_app", broken)
    assert retention_console.RetentionConsole().fastapi_apps == []


def test_the_warehouse_is_found_where_the_tasks_find_it(site: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    """The console's own address, else Airflow's connection, else the environment; none is said with what to set."""
    from retention.console import ConsoleClosed
    from retention_airflow.console.app import open_console

    monkeypatch.setenv("RETENTION_HOME", str(tmp_path))
    monkeypatch.delenv("RETENTION_WAREHOUSE_URL", raising=False)
    with pytest.raises(ConsoleClosed, match="RETENTION_CONSOLE_URL"):
        open_console()
    for name, host in (
        ("RETENTION_WAREHOUSE_URL", "by-environment"),
        ("AIRFLOW_CONN_WAREHOUSE", "by-connection"),
        ("RETENTION_CONSOLE_URL", "of-its-own"),
    ):
        monkeypatch.setenv(name, f"postgresql://somebody:secret@{host}:5432/warehouse")
        assert open_console().reader.warehouse.url.host == host
