"""Commands about people's rights: erase, privacy."""

from __future__ import annotations

import getpass
import json
from collections.abc import Callable
from typing import Annotated, Any

import typer
from rich.text import Text

from retention.cli._shared import closed_day, console, now_in, open_databases, run_factory
from retention.settings import load_settings

privacy_app = typer.Typer(help="Requests of customers about their own data.", no_args_is_help=True)

Source = Annotated[str | None, typer.Option("--source", help="Source system that knows the person, e.g. crm.")]
CustomerId = Annotated[str | None, typer.Option("--customer-id", help="The person's id in that source.")]
CustomerKey = Annotated[int | None, typer.Option("--customer-key", help="The person's pseudonym, in place of source and id.")]


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command()(erase)
    app.add_typer(privacy_app, name="privacy")


def erase(
    source: Source = None,
    customer_id: CustomerId = None,
    customer_key: CustomerKey = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Erase one person from every table, file and target, at once, with a receipt."""
    if customer_key is None and not (source and customer_id):
        raise typer.BadParameter("name the person by --source and --customer-id, or by --customer-key", param_hint="PERSON")
    if not yes:
        typer.confirm("Erase this person everywhere? This cannot be undone.", abort=True)
    request_id = enter("erasure", source, customer_id, customer_key)
    counts = handle()
    out = console()
    out.print(Text(f"request {request_id}: {json.dumps(counts, default=str)}"))
    show_receipt(request_id)


@privacy_app.command("request")
def privacy_request(
    kind: Annotated[str, typer.Argument(help="erasure or access.")],
    source: Source = None,
    customer_id: CustomerId = None,
    customer_key: CustomerKey = None,
) -> None:
    """Enter a request; the hourly run carries it out (or `retention privacy run` at once)."""
    if kind not in {"erasure", "access"}:
        raise typer.BadParameter("erasure or access", param_hint="KIND")
    console().print(Text(f"request {enter(kind, source, customer_id, customer_key)} entered"))


@privacy_app.command("run")
def privacy_run() -> None:
    """Carry out all open requests and delete what is older than it may be kept."""
    console().print(Text(json.dumps(handle(), default=str)))


@privacy_app.command("list")
def privacy_list(limit: Annotated[int, typer.Option(min=1)] = 50) -> None:
    """List requests with their state."""
    from retention.report import Section, print_section, rows
    from retention.warehouse import sql_file

    warehouse, _ = open_databases()
    found = rows(warehouse, sql_file("_report/requests"), {"row_limit": limit})
    names = ("request_id", "kind", "state", "requested_by", "requested_at", "closed_at")
    table = [[_minute(r[name]) for name in names] for r in found]
    print_section(
        console(),
        Section("Requests about personal data", "个人信息请求", [(name, "left") for name in names], table, empty="no request"),
    )


@privacy_app.command("receipt")
def privacy_receipt(request_id: Annotated[str, typer.Argument(metavar="REQUEST")]) -> None:
    """Show what a request removed or exported, store by store."""
    show_receipt(request_id)


def show_receipt(request_id: str) -> None:
    """Print a receipt, or say that the request is not finished."""
    from retention.report import rows
    from retention.warehouse import sql_file

    warehouse, _ = open_databases()
    found = rows(warehouse, sql_file("_report/receipt"), {"request_id": request_id})
    out = console()
    if not found:
        out.print(f"no receipt yet for request {request_id}: it is open, or settling until older writers have ended")
        return
    out.print_json(json.dumps(found[0], default=str, ensure_ascii=False))


def enter(kind: str, source: str | None, customer_id: str | None, customer_key: int | None) -> str:
    """Enter a request and return its number."""
    from retention import privacy
    from retention.deployment import Deployment

    warehouse, _ = open_databases()
    ask: Callable[..., str] = privacy.request_erasure if kind == "erasure" else privacy.request_access
    by_id = source is not None and customer_id is not None
    return ask(
        warehouse,
        requested_by=getpass.getuser(),
        now=now_in(load_settings()),
        source=source,
        customer_id=customer_id,
        customer_key=customer_key,
        pepper=Deployment.from_env().secrets().pepper if by_id else None,
    )


def handle() -> dict[str, Any]:
    """Carry out open requests now."""
    from retention import pipeline

    run = run_factory(closed_day(None))("privacy requests")
    try:
        return pipeline.privacy(run, now_in(load_settings()))
    finally:
        pipeline.close(run)


def _minute(value: Any) -> str:
    return "" if value is None else value.strftime("%Y-%m-%d %H:%M") if hasattr(value, "strftime") else str(value)
