"""Commands about consent: what somebody decided, what holds, and why they are or are not contacted."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from zoneinfo import ZoneInfo

import typer

from retention.cli._shared import console, open_databases
from retention.settings import Deployment, load_settings

consent_app = typer.Typer(help="What customers agreed to and what they refused.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.add_typer(consent_app, name="consent")


@consent_app.command("show")
def consent_show(
    customer: Annotated[str, typer.Argument(help="SOURCE:NUMBER, e.g. crm:C001, or a customer_key.")],
) -> None:
    """Show one person's decisions with source and time, what holds by purpose and channel, and why."""
    from retention.privacy import source_customer_key
    from retention.privacy.standing import REASONS, consent_of
    from retention.report import Section, print_section

    pepper = Deployment.from_env().secrets().pepper
    source, separator, number = customer.partition(":")
    if separator:
        key = source_customer_key(pepper, source, number)
    elif customer.lstrip("-").isdigit():
        key = int(customer)
    else:
        raise typer.BadParameter("write SOURCE:NUMBER, e.g. crm:C001, or a customer_key", param_hint="CUSTOMER")
    warehouse, _ = open_databases()
    with warehouse.connect() as connection:
        found = consent_of(connection, pepper, key)
    zone = ZoneInfo(load_settings().company.business_timezone)

    def minute(at: datetime | None) -> str:
        return "" if at is None else at.astimezone(zone).strftime("%Y-%m-%d %H:%M")

    out = console()
    holds = Section(
        "What holds",
        "当前同意状态",
        [(name, "left") for name in ("purpose", "channel", "contact", "why", "since", "source")],
        [
            [
                s.purpose,
                s.channel,
                "yes 可" if s.may_contact else "no 否",
                " · ".join(REASONS[s.reason]),
                minute(s.since),
                s.source or "",
            ]
            for s in found.standing
        ],
        note=f"customer_key {found.customer_key}; times in {zone.key}. What others with the same address refused is known as "
        "of the last consent sync.",
    )
    decisions = Section(
        "Decisions",
        "同意记录",
        [(name, "left") for name in ("decided", "purpose", "channel", "decision", "source", "origin", "recorded")],
        [
            [minute(d.decided_at), d.purpose, d.channel, d.decision, d.source, d.origin or "", minute(d.recorded_at)]
            for d in found.history
        ],
        note="Append-only: a decision is followed by another one, never changed.",
        empty="no decision is recorded",
    )
    for section in (holds, decisions):
        print_section(out, section)
