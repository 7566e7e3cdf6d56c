"""What one push did."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Outcome:
    """Counts of one push, as ``marketing.audience_sync`` holds them."""

    sync_id: int | None = None
    """Number of the push; None when there was nothing to change on a day already pushed."""
    skipped: str | None = None
    """Why nothing was pushed; None when something was, or nothing had to be."""
    added: int = 0
    updated: int = 0
    removed: int = 0
    refused: int = 0
    total: int = 0
    tasks_added: int = 0
    tasks_withdrawn: int = 0
    withheld: int = 0
    """Changes that wait for approval."""
    checksum: str = ""
    waiting: str = field(default="", compare=False)
    """What waits and why, in words; not in the marketing database."""

    def counts(self) -> dict[str, int]:
        """Return what a run reports."""
        return {
            "added": self.added,
            "updated": self.updated,
            "removed": self.removed,
            "refused": self.refused,
            "total": self.total,
            "tasks_added": self.tasks_added,
            "tasks_withdrawn": self.tasks_withdrawn,
            "withheld": self.withheld,
        }
