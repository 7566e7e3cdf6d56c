"""A small client of Airflow's REST API: what the demo and the end-to-end tests need."""

from __future__ import annotations

import time
from collections.abc import Iterable
from datetime import datetime
from typing import Any

import httpx

from retention.supervisor.layout import Layout
from retention.warehouse import RetentionError

FINISHED = ("success", "failed")


class AirflowApiError(RetentionError):
    """Airflow refused a request or did not answer."""

    runbook = "airflow-api"


class AirflowApi:
    """Airflow over REST, logged in as one user.

    Parameters
    ----------
    url : str
        Address of the API server.
    user, password : str
        Login; a token is fetched at the first request and again when it expires.
    """

    def __init__(self, url: str, user: str, password: str) -> None:
        self.url = url
        self._login = {"username": user, "password": password}
        self._client = httpx.Client(base_url=url, timeout=30)

    @classmethod
    def of(cls, layout: Layout) -> AirflowApi:
        """Return the API of a local installation, as its administrator."""
        return cls(layout.url, "admin", layout.admin_password())

    def dag_ids(self) -> set[str]:
        """Return the DAGs that Airflow has read."""
        return {dag["dag_id"] for dag in self._get("/dags", limit=100)["dags"]}

    def paused(self) -> set[str]:
        """Return the DAGs that are paused."""
        return {dag["dag_id"] for dag in self._get("/dags", limit=100)["dags"] if dag["is_paused"]}

    def set_paused(self, dag_id: str, paused: bool) -> None:
        """Pause a DAG or let it run."""
        self._request("PATCH", f"/dags/{dag_id}", json={"is_paused": paused})

    def import_errors(self) -> list[str]:
        """Return what Airflow says about DAG files it could not read."""
        return [f"{e['filename']}: {e['stack_trace']}" for e in self._get("/importErrors", limit=20)["import_errors"]]

    def trigger(self, dag_id: str, partition_key: str | None = None, conf: dict[str, Any] | None = None) -> str:
        """Start a run and return its id."""
        body: dict[str, Any] = {"logical_date": None, "conf": conf or {}}
        if partition_key is not None:
            body["partition_key"] = partition_key
        return str(self._request("POST", f"/dags/{dag_id}/dagRuns", json=body)["dag_run_id"])

    def runs(self, dag_id: str, partition_key: str | None = None) -> list[dict[str, Any]]:
        """Return the newest runs of a DAG, newest first, of one partition key if given."""
        runs = self._get(f"/dags/{dag_id}/dagRuns", limit=100, order_by="-id")["dag_runs"]
        return [run for run in runs if partition_key is None or run.get("partition_key") == partition_key]

    def run(self, dag_id: str, run_id: str) -> dict[str, Any]:
        """Return one run."""
        return self._get(f"/dags/{dag_id}/dagRuns/{run_id}")

    def tasks(self, dag_id: str, run_id: str) -> list[dict[str, Any]]:
        """Return the task instances of a run."""
        found = self._get(f"/dags/{dag_id}/dagRuns/{run_id}/taskInstances", limit=200)["task_instances"]
        return list(found)

    def counts(self, dag_id: str, run_id: str, task_id: str) -> Any:
        """Return what a task reported."""
        path = f"/dags/{dag_id}/dagRuns/{run_id}/taskInstances/{task_id}/xcomEntries/return_value"
        return self._get(path, deserialize="true").get("value")

    def log(self, dag_id: str, run_id: str, task: dict[str, Any]) -> list[str]:
        """Return the messages of a task's last try."""
        path = f"/dags/{dag_id}/dagRuns/{run_id}/taskInstances/{task['task_id']}/logs/{task['try_number']}"
        content = self._get(path, map_index=task.get("map_index", -1), full_content="true")["content"]
        return [str(line.get("event", "")) if isinstance(line, dict) else str(line) for line in content]

    def questions(self, dag_id: str, run_id: str) -> list[dict[str, Any]]:
        """Return what a run has asked people (Browse > Required Actions), answered or not."""
        return list(self._get(f"/dags/{dag_id}/dagRuns/{run_id}/hitlDetails", limit=100)["hitl_details"])

    def answer(self, dag_id: str, run_id: str, task_id: str, option: str, inputs: dict[str, Any]) -> dict[str, Any]:
        """Answer what a task has asked, as the user of this client; one answer only, a second is refused."""
        path = f"/dags/{dag_id}/dagRuns/{run_id}/taskInstances/{task_id}/-1/hitlDetails"
        return self._request("PATCH", path, json={"chosen_options": [option], "params_input": inputs})

    def failure(self, dag_id: str, run_id: str) -> str:
        """Return the last line of the first failed task's log: the product's own message."""
        for task in self.tasks(dag_id, run_id):
            if task["state"] == "failed":
                lines = [line for line in self.log(dag_id, run_id, task) if line.strip()]
                own = [line for line in lines if line.startswith("FAILED ")]
                return (own or lines or [f"{dag_id}.{task['task_id']} failed without a log"])[-1]
        return f"{dag_id} {run_id} failed"

    def wait_for(self, dag_id: str, run_id: str, patience: float) -> dict[str, Any]:
        """Wait until a run has finished, and return it.

        Raises
        ------
        AirflowApiError when it failed (with the message of the task) or took longer than the patience.
        """
        deadline = time.monotonic() + patience
        while time.monotonic() < deadline:
            run = self.run(dag_id, run_id)
            if run["state"] == "success":
                return run
            if run["state"] == "failed":
                raise AirflowApiError(self.failure(dag_id, run_id).partition(" See docs/runbook.md#")[0])
            time.sleep(0.5)
        raise AirflowApiError(f"{dag_id} {run_id} has not finished within {patience:.0f} s")

    # -- requests -----------------------------------------------------------------------------------------------------
    def _get(self, path: str, **parameters: Any) -> dict[str, Any]:
        return self._request("GET", path, params=parameters)

    def _request(self, method: str, path: str, **arguments: Any) -> dict[str, Any]:
        # A restart of the API server, or of PostgreSQL below it, is a pause for a caller who only asks.
        last = ""
        for attempt in range(20):
            try:
                if "Authorization" not in self._client.headers:
                    self._log_in()
                answer = self._client.request(method, f"/api/v2{path}", **arguments)
            except httpx.TransportError as error:
                last = type(error).__name__
                if method == "POST" and not isinstance(error, httpx.ConnectError):
                    break  # it may have been carried out
            else:
                if answer.status_code == 401:
                    del self._client.headers["Authorization"]
                elif answer.status_code < 500:
                    if answer.is_error:
                        raise AirflowApiError(f"{method} {path}: {answer.status_code} {answer.text[:300]}")
                    return dict(answer.json()) if answer.content else {}
                elif method == "POST":
                    last = str(answer.status_code)
                    break
                last = str(answer.status_code)
            time.sleep(min(0.25 * (attempt + 1), 2.0))
        raise AirflowApiError(f"{method} {path}: no answer from Airflow at {self.url} ({last})")

    def _log_in(self) -> None:
        answer = self._client.post("/auth/token", json=self._login)
        if answer.status_code != 201:
            raise AirflowApiError(f"login at {self.url} was refused with status {answer.status_code}")
        self._client.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"


def seconds(run: dict[str, Any]) -> float | None:
    """Return how long a run took, or has taken so far."""
    if not run.get("start_date"):
        return None
    begin = datetime.fromisoformat(run["start_date"])
    end = datetime.fromisoformat(run["end_date"]) if run.get("end_date") else datetime.now(begin.tzinfo)
    return (end - begin).total_seconds()


def all_finished(runs: Iterable[dict[str, Any]]) -> bool:
    """Tell whether none of these runs is still going."""
    return all(run["state"] in FINISHED for run in runs)
