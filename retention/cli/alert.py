"""Trying the channels of alerts."""

from __future__ import annotations

import typer

from retention.cli._shared import console

alert_app = typer.Typer(no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.add_typer(alert_app, name="alert")


@alert_app.callback()
def alert() -> None:
    """Channels by which people are told when something is wrong."""


@alert_app.command("test")
def test() -> None:
    """Send a harmless message to every channel that is configured, and say where it arrived."""
    import logging

    from retention.alerts import AlertConfigurationError, Message, configured_channels, tell

    out = console()
    try:
        channels = configured_channels()
    except AlertConfigurationError as error:
        out.print(f"{error}. Nothing was sent. See docs/runbook.md#alerts", style="red", markup=False, soft_wrap=True)
        raise typer.Exit(1) from None
    if not channels:
        out.print(
            "No channel is configured: messages are in the log alone. docs/observability.md#channels names the variables."
        )
        return
    text = "This is a test of the channel: nothing happened, nothing needs to be done. 通道测试，无需处理。"
    told = tell(Message("[retention] test of the channel 通道测试", text), channels, level=logging.INFO)
    for name in told.arrived:
        out.print(f"{name}: arrived", style="green")
    for name, reason in told.failed.items():
        out.print(f"{name}: not delivered, {reason}", style="red", markup=False)
    if told.failed:
        raise typer.Exit(1)
