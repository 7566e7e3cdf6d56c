"""`python -m retention.supervisor up|down|status|demo|day|airflow …`."""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

from rich.console import Console

from retention.deployment import Deployment
from retention.supervisor.control import down, status, up
from retention.supervisor.layout import Layout
from retention.warehouse import RetentionError
from retention.warehouse.embedded import EmbeddedPostgres


def main() -> int:
    """Run one command; errors are messages, not tracebacks."""
    parser = argparse.ArgumentParser(prog="python -m retention.supervisor", description=__doc__)
    parser.add_argument("command", choices=["up", "down", "status", "run", "demo", "day", "airflow"])
    parser.add_argument("--home", type=Path, default=None, help="folder of the installation (default: RETENTION_HOME)")
    parser.add_argument("--size", default="full", help="size of the sample company (demo)")
    parser.add_argument("--keep", action="store_true", help="leave running what this command started (demo, day)")
    # What follows `airflow` is Airflow's own; a remainder argument would swallow our options after other commands too.
    words = sys.argv[1:]
    passed_on = words.index("airflow") + 1 if "airflow" in words else len(words)
    arguments = parser.parse_args(words[:passed_on])
    arguments.passed_on = words[passed_on:]
    layout = Layout.of(arguments.home or Deployment.from_env().home)
    console = Console()
    try:
        return _run(arguments, layout, console)
    except RetentionError as error:
        console.print(f"[bold red]Stopped:[/] {error}", highlight=False)
        return 1
    except KeyboardInterrupt:
        console.print("\nInterrupted. Airflow keeps running if it was up; `make down` stops it.")
        return 130


def _run(arguments: argparse.Namespace, layout: Layout, console: Console) -> int:
    match arguments.command:
        case "run":
            from retention.supervisor.service import serve

            return serve(layout)
        case "up":
            return _up(layout, console)
        case "down":
            with console.status("Stopping Airflow and PostgreSQL …"):
                stopped = down(layout)
            console.print("Stopped." if stopped else "Nothing was running.")
            return 0
        case "status":
            return _status(layout, console)
        case "airflow":
            return _airflow(layout, arguments.passed_on)
        case "demo":
            from retention.supervisor.demo import demo

            return demo(layout, console, size=arguments.size, stop=not arguments.keep)
        case _:
            from retention.supervisor.demo import next_day

            return next_day(layout, console, stop=not arguments.keep)


def _up(layout: Layout, console: Console) -> int:
    from retention.supervisor.api import AirflowApi
    from retention.supervisor.introduction import introduce

    with console.status("Starting …") as line:
        started = up(layout, lambda text: line.update(f"Starting: {text} …"))
        line.update("Waiting for the DAGs …")
        introduce(layout, AirflowApi.of(layout))
    console.print(f"Airflow {'is up' if started else 'was up already'}: [bold]{layout.url}[/]")
    console.print(f"Login: admin / {layout.admin_password()}   (kept in {layout.passwords})", highlight=False, soft_wrap=True)
    console.print("Stop it with `make down`.")
    return 0


def _airflow(layout: Layout, arguments: list[str]) -> int:
    """Run the `airflow` program as the components of this installation see it, for backfills and the like."""
    from retention.supervisor.configuration import METADATA_DATABASE, airflow_environment
    from retention.supervisor.service import SupervisorError, airflow_program

    postgres = EmbeddedPostgres(layout.home)
    if not postgres.is_running():
        raise SupervisorError("Airflow's database does not run. `make up` starts it.", runbook="supervisor")
    environment = airflow_environment(layout, postgres.url(METADATA_DATABASE))
    return subprocess.run([*airflow_program(), *arguments], env=environment, check=False).returncode


def _status(layout: Layout, console: Console) -> int:
    found = status(layout)
    message = f"({found['message']})" if found["message"] else ""
    console.print(" ".join(filter(None, [found["phase"], found["url"], message])), highlight=False)
    for part in found["components"]:
        state = f"pid {part['pid']}" if part["running"] else "not running"
        console.print(f"  {part['name']:<14} {state:<14} restarted {part['restarts']} times", highlight=False)
    for name, part in found["health"].items():
        console.print(f"  {name:<14} {(part or {}).get('status')}", highlight=False)
    return 0 if found["phase"] == "up" else 3


if __name__ == "__main__":
    sys.exit(main())
