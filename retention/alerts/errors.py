"""What can go wrong between a message and the people it is for."""

from __future__ import annotations


class AlertConfigurationError(ValueError):
    """A channel is configured by half, or in a way that cannot work. Names the variable, never its value."""


class NotDelivered(Exception):
    """One try to hand a message to a channel failed. Holds no address: those of chat robots are secrets."""

    def __init__(self, reason: str, *, may_pass: bool, wait_seconds: float | None = None) -> None:
        super().__init__(reason)
        self.may_pass = may_pass
        """Whether another try can succeed: a server that is busy or away, not a wrong key."""
        self.wait_seconds = wait_seconds
        """How long the server asks us to wait, where it says."""
