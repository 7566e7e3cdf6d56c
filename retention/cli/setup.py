"""Commands that set an installation up and look after it: init, migrate, serve-db, urls, doctor."""

from __future__ import annotations

import json
import os
import signal
import threading
from contextlib import AbstractContextManager, nullcontext
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from retention.cli._shared import NOT_READY, console, hide_password, now_in
from retention.deployment import Deployment
from retention.installation import bring_up_to_date, make_folders, make_pepper, start_embedded
from retention.settings import load_settings


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command()(init)
    app.command()(migrate)
    app.command("serve-db")(serve_db)
    app.command()(urls)
    app.command()(doctor)


def init(
    sample: Annotated[bool, typer.Option("--sample", help="Also make the sample company's source systems.")] = False,
    size: Annotated[str, typer.Option(help="Size of the sample company: full or small.")] = "full",
) -> None:
    """Make everything an installation needs: folders, secrets, databases, migrations. Safe to repeat."""
    out = console()
    deployment = Deployment.from_env()
    make_folders(deployment.home)
    if not (os.environ.get("RETENTION_WAREHOUSE_URL") and os.environ.get("RETENTION_MARKETING_URL")):
        with working(out, "starting the embedded PostgreSQL"):
            created = start_embedded(deployment.home)
        out.print(f"embedded PostgreSQL runs{'; made ' + ', '.join(created) if created else ''}")
    with working(out, "bringing the databases up to date"):
        revisions = bring_up_to_date(Deployment.from_env())
    for name, revision in revisions.items():
        out.print(f"{name} database at layout {revision}")
    made = make_pepper(Deployment.from_env())
    out.print("pepper made: keep a backup of it elsewhere, it can never be made again" if made else "pepper present")
    # A company of one's own closes its days; the sample's last day is the last that was released.
    day = f" --date {make_sample(out, size)}" if sample else ""
    out.print(f"ready. Next: retention doctor, retention run{day}")


def make_sample(out: Console, size: str) -> str:
    """Make the sample company's source systems; returns their last released day."""
    from retention import samples

    deployment = Deployment.from_env()
    with working(out, "making the sample company"):
        made = samples.create(deployment.home, deployment.source_urls, now_in(load_settings()).date(), size=size)
    rows = ", ".join(f"{name} {count:,}" for name, count in made["rows"].items())
    out.print(f"sample company ({made['size']}) {made['state']}: {made['first_day']} to {made['last_released']}")
    out.print(Text(rows, style="dim"))
    out.print(f"further days up to {made['last_held']}: retention sample release --through …")
    return str(made["last_released"])


def migrate() -> None:
    """Bring warehouse and marketing database to the newest layout."""
    out = console()
    for name, revision in bring_up_to_date(Deployment.from_env()).items():
        out.print(f"{name} database at layout {revision}")


def serve_db(
    stop: Annotated[bool, typer.Option("--stop", help="Stop the embedded server.")] = False,
    wait: Annotated[bool, typer.Option("--wait", help="Stay in the foreground until interrupted, then stop it.")] = False,
) -> None:
    """Start (or stop) the embedded PostgreSQL."""
    from retention.warehouse.embedded import EmbeddedPostgres

    out = console()
    deployment = Deployment.from_env()
    server = EmbeddedPostgres(deployment.home)
    if stop:
        server.stop()
        out.print("embedded PostgreSQL stopped")
        return
    make_folders(deployment.home)
    start_embedded(deployment.home)
    out.print(f"embedded PostgreSQL answers on 127.0.0.1:{server.port}")
    if wait:
        ended = threading.Event()
        for name in (signal.SIGINT, signal.SIGTERM):
            signal.signal(name, lambda *_: ended.set())
        ended.wait()
        server.stop()
        out.print("embedded PostgreSQL stopped")


def urls(
    password: Annotated[bool, typer.Option("--password", help="Show the passwords, for use in psql or a BI tool.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print as JSON.")] = False,
) -> None:
    """Print the addresses of warehouse and marketing database for psql and BI tools."""
    deployment = Deployment.from_env()
    found = {"warehouse": deployment.warehouse_url, "marketing": deployment.marketing_url}
    shown = {name: (url if password else hide_password(url)) for name, url in found.items() if url}
    out = console()
    if as_json:
        out.print_json(json.dumps(shown))
        return
    for name, url in shown.items():
        out.print(Text(f"{name:<10} {url}"), soft_wrap=True)
    if not shown:
        out.print("no database is configured yet: run `retention init`")
    elif not password:
        out.print("[dim]psql \"$(retention urls --password --json | python -c 'import json,sys; "
                  "print(json.load(sys.stdin)[\"warehouse\"])')\"[/]", soft_wrap=True)  # fmt: skip
    out.print("[dim]BI tools read the views in schema bi: documented columns, no personal data.[/]")


def doctor(
    ui_port: Annotated[int, typer.Option("--ui-port", help="Port of Airflow's UI.", envvar="RETENTION_AIRFLOW_PORT")] = 8080,
    as_json: Annotated[bool, typer.Option("--json", help="Print as JSON.")] = False,
) -> None:
    """Check Python, packages, disk, ports, connections and migrations; say what to do about each."""
    from dataclasses import asdict

    from retention import doctor as examination

    out = console()
    findings = examination.examine(ui_port=ui_port)
    if as_json:
        out.print_json(json.dumps([asdict(finding) for finding in findings]))
    else:
        table = Table(box=None, pad_edge=False, show_header=False)
        for column in ("subject", "state", "found"):
            table.add_column(column, overflow="fold")
        marks = {"ok": "[green]ok[/]", "warn": "[yellow]look[/]", "fail": "[bold red]fail[/]"}
        for finding in findings:
            advice = f"\n→ {finding.advice}" if finding.advice else ""
            table.add_row(finding.subject, marks[finding.state], Text(finding.found + advice))
        out.print(table)
    if any(finding.state == "fail" for finding in findings):
        raise typer.Exit(NOT_READY)


def working(out: Console, what: str) -> AbstractContextManager[object]:
    """Show that something is being done while it is; a plain line when there is no terminal."""
    if out.is_terminal:
        return out.status(what)
    out.print(f"{what} …")
    return nullcontext()
