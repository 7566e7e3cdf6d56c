"""Commands about consent: what somebody decided, what holds, and why they are or are not contacted."""

from __future__ import annotations

import getpass
import re
from datetime import datetime
from typing import Annotated
from zoneinfo import ZoneInfo

import typer

from retention.cli._shared import console, now_in, open_databases
from retention.deployment import Deployment
from retention.settings import load_settings

consent_app = typer.Typer(help="What customers agreed to and what they refused.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.add_typer(consent_app, name="consent")


@consent_app.command("show", context_settings={"ignore_unknown_options": True})  # keys are signed: -5 is a key, no option
def consent_show(
    customer: Annotated[str, typer.Argument(help="SOURCE:NUMBER, e.g. crm:C001, or a customer_key.")],
) -> None:
    """Show one person's decisions with source and time, what holds by purpose and channel, and why."""
    from retention.privacy.standing import REASONS, consent_of
    from retention.report import Section, print_section

    pepper = Deployment.from_env().secrets().pepper
    key = _key(pepper, customer)
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


@consent_app.command("withdraw")
def consent_withdraw(
    customer: Annotated[str | None, typer.Option("--customer", help="SOURCE:NUMBER or a customer_key.")] = None,
    send_key: Annotated[str | None, typer.Option("--send-key", help="The key of the message they answered.")] = None,
    address: Annotated[str | None, typer.Option("--address", help="An e-mail address or phone number, whoever has it.")] = None,
    address_hash: Annotated[str | None, typer.Option("--address-hash", help="Its keyed hash, 64 hexadecimal digits.")] = None,
    purpose: Annotated[str, typer.Option("--purpose", help="marketing, profiling, ads or service.")] = "marketing",
    channel: Annotated[str, typer.Option("--channel", help="email, sms, phone, wechat, app, post or all.")] = "all",
) -> None:
    """Record an opt-out that reached you by hand: of a person, by a message's key, of an address, or of its hash."""
    from retention.privacy import optout
    from retention.privacy.ledger import CHANNELS, PURPOSES

    if sum(given is not None for given in (customer, send_key, address, address_hash)) != 1:
        raise typer.BadParameter("give one of --customer, --send-key, --address, --address-hash", param_hint="WHO")
    if purpose not in PURPOSES or channel not in CHANNELS:
        raise typer.BadParameter("a purpose and a channel of the ledger, see --help", param_hint="--purpose, --channel")
    settings, actor = load_settings(), getpass.getuser()
    pepper, now = Deployment.from_env().secrets().pepper, now_in(settings)
    warehouse, _ = open_databases()
    with warehouse.begin() as connection:
        if address_hash is not None:
            if not re.fullmatch("[0-9a-f]{64}", address_hash):
                raise typer.BadParameter("64 hexadecimal digits", param_hint="--address-hash")
            optout.withdraw_hash(connection, address_hash, actor, now)
            done = "the address is suppressed on every channel"
        elif address is not None:
            known, channels = _address(address, settings.company.default_phone_region)
            counts = optout.withdraw_address(connection, pepper, known, purpose, channels, actor, now)
            done = f"recorded for {counts['people']} people who have it, {counts['suppressed']} address suppressed"
        else:
            key = optout.person_of_message(connection, send_key) if send_key else _key(pepper, str(customer))
            optout.withdraw_person(connection, key, purpose, channel, actor, now)
            done = "recorded"
    console().print(f"{done}; tools see it with the next consent sync, within ten minutes")


def _key(pepper: bytes, customer: str) -> int:
    from retention.privacy import source_customer_key

    source, separator, number = customer.partition(":")
    if separator:
        return source_customer_key(pepper, source, number)
    if customer.lstrip("-").isdigit():
        return int(customer)
    raise typer.BadParameter("write SOURCE:NUMBER, e.g. crm:C001, or a customer_key", param_hint="CUSTOMER")


def _address(text: str, region: str) -> tuple[str, tuple[str, ...]]:
    """Return an address as it is compared, and the channels it serves."""
    from retention.identity import normalise_email, normalise_phone

    if email := normalise_email(text):
        return email, ("email",)
    if phone := normalise_phone(text, region):
        return phone, ("sms", "phone")
    raise typer.BadParameter("neither an e-mail address nor a possible phone number", param_hint="--address")
