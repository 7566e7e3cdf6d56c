"""What can stop a plan or a push, each with its own message and place in the runbook."""

from __future__ import annotations

from collections.abc import Sequence

from retention.warehouse import RetentionError


class PlayError(RetentionError):
    """No play can be used. Nothing is planned; the audiences of the last push stay until they expire."""

    runbook = "plays"

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        many = f"{len(problems)} problems in the plays" if len(problems) > 1 else "a problem in the plays"
        super().__init__(f"{many}, nothing planned:\n  " + "\n  ".join(problems) + "\n")


class UpstreamEmpty(RetentionError):
    """A slice that plays rest on is empty: planning with it would empty the audiences."""

    runbook = "empty-upstream"


class InputsMoved(RetentionError):
    """What a plan rests on was published again while the plan was being made, every time it was tried."""

    runbook = "inputs-moved"
    retryable = True


class AllocationError(RetentionError):
    """What plays compete with cannot be allocated. Nothing is planned; the audiences of the last push stay."""

    runbook = "allocation"


class NoMarketingDatabase(RetentionError):
    """There is nowhere to push to."""

    runbook = "no-database-url"


class NothingPlanned(RetentionError):
    """The day has no published decisions."""

    runbook = "nothing-planned"


class NothingToApprove(RetentionError):
    """Nothing of that day waits for approval."""

    runbook = "needs-approval"


class WrongEnvironment(RetentionError):
    """The marketing database belongs to another environment."""

    runbook = "wrong-environment"


class PushBroken(RetentionError):
    """What the marketing database holds is not what the push put there."""

    runbook = "push-mismatch"
