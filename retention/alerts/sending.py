"""Handing one message to all channels: side by side, tried again where that may help, never an error of the caller's."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from retention.alerts.channels import Channel
from retention.alerts.configuration import configured_channels
from retention.alerts.errors import AlertConfigurationError, NotDelivered
from retention.alerts.message import Message

log = logging.getLogger("retention.alerts")

TRIES = 4
FIRST_WAIT_SECONDS = 1.0
LONGEST_WAIT_SECONDS = 8.0
"""Waits of 1, 2 and 4 seconds with some chance in them, or what the server asks for, up to this."""


@dataclass(frozen=True)
class Told:
    """Where a message arrived, and where not, with the reason."""

    arrived: tuple[str, ...] = ()
    failed: dict[str, str] = field(default_factory=dict)

    @property
    def everywhere(self) -> bool:
        """Whether every channel has the message; without any channel the log is where it was told."""
        return not self.failed


def tell(message: Message, channels: Sequence[Channel], *, level: int = logging.ERROR) -> Told:
    """Write a message to the log and hand it to every channel; never raises.

    A channel that was cut off while it took the message gets it again: told twice is better than not told.

    Parameters
    ----------
    message : Message
        What to say; e-mail addresses and phone numbers in it are blanked.
    channels : sequence of Channel
        From :func:`retention.alerts.configured_channels`.
    level : int
        Level in the log.
    """
    said = message.without_addresses()
    log.log(level, "%s", said.text)
    if not channels:
        return Told()
    with ThreadPoolExecutor(max_workers=len(channels)) as pool:  # a mail server that hangs delays no chat
        reasons = list(pool.map(lambda channel: _deliver(channel, said), channels))
    failed = {channel.name: reason for channel, reason in zip(channels, reasons, strict=True) if reason is not None}
    for name, reason in failed.items():
        log.warning("The alert could not be posted to %s (%s); it is in this log. See docs/runbook.md#alerts", name, reason)
    return Told(tuple(channel.name for channel in channels if channel.name not in failed), failed)


def tell_configured(message: Message, given: Mapping[str, str] | None = None, only: Sequence[str] = ()) -> Told:
    """Tell the channels of this installation, or those named of them; half a configuration is said in the log.

    Parameters
    ----------
    given : mapping, optional
        Variables that take the place of the environment's.
    only : sequence of str
        Names of channels; empty: all.

    Returns
    -------
    Told, with ``configuration`` among the failed where no channel could be made.
    """
    try:
        channels = [one for one in configured_channels(given) if not only or one.name in only]
    except AlertConfigurationError as error:
        tell(message, [])
        log.warning("No alert was handed over: %s. See docs/runbook.md#alerts", error)
        return Told(failed={"configuration": str(error)})
    return tell(message, channels)


def _deliver(channel: Channel, message: Message) -> str | None:
    """Hand a message to one channel; return None, or why it is not there."""
    import tenacity

    backoff = tenacity.wait_exponential_jitter(initial=FIRST_WAIT_SECONDS, max=LONGEST_WAIT_SECONDS, jitter=FIRST_WAIT_SECONDS)

    def wait(state: tenacity.RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        asked = error.wait_seconds if isinstance(error, NotDelivered) else None
        return min(asked, LONGEST_WAIT_SECONDS) if asked is not None else backoff(state)

    retrying = tenacity.Retrying(
        stop=tenacity.stop_after_attempt(TRIES),
        wait=wait,
        retry=tenacity.retry_if_exception(lambda error: isinstance(error, NotDelivered) and error.may_pass),
        sleep=_sleep,
        reraise=True,
    )
    try:
        retrying(channel.send, message)
    except NotDelivered as error:
        return str(error)
    except Exception as error:  # telling must never change the state of what is told about; its text may hold an address
        return type(error).__name__
    return None


def _sleep(seconds: float) -> None:
    """Wait; a function of its own, so that tests need not."""
    import time

    time.sleep(seconds)
