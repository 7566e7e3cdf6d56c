"""Times as an API writes them: bounds of a request one way, cursors of its records the other."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_UNITS = {"epoch_s": timedelta(seconds=1), "epoch_ms": timedelta(milliseconds=1)}


@dataclass(frozen=True)
class TimeFormat:
    """How one API writes times.

    Parameters
    ----------
    format : str
        ``iso`` (with the offset of the zone), ``iso_utc`` (with Z), ``epoch_s``, ``epoch_ms``, or a strftime pattern.
    zone : ZoneInfo
        Zone of times without an offset.
    """

    format: str
    zone: ZoneInfo

    def write(self, instant: datetime) -> str | int:
        """Return an instant as the API expects it, cut off below the unit it knows."""
        if self.format in _UNITS:
            return (instant - _EPOCH) // _UNITS[self.format]
        if self.format == "iso_utc":
            return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        local = instant.astimezone(self.zone)
        return local.isoformat(timespec="seconds") if self.format == "iso" else local.strftime(self.format)

    def read(self, text: str | None) -> datetime | None:
        """Return the instant that a value names; None when it names none."""
        if not text:
            return None
        try:
            if self.format in _UNITS:
                return _EPOCH + int(text) * _UNITS[self.format]
            if self.format in ("iso", "iso_utc"):
                found = datetime.fromisoformat(text)
            else:
                found = datetime.strptime(text, self.format)  # noqa: DTZ007 - the zone follows
        except (ValueError, OverflowError):
            return None
        return found if found.tzinfo else found.replace(tzinfo=self.zone)
