"""What stops a run: a check that may not fail, a delivery that does not add up."""

from __future__ import annotations

from retention.warehouse import RetentionError


class CheckFailed(RetentionError):
    """A check of severity ``fail`` does not hold. Nothing of what was checked is published."""

    runbook = "checks"


class NothingLanded(CheckFailed):
    """No source delivered anything for the business date."""

    runbook = "nothing-landed"


class VolumeDropped(CheckFailed):
    """A delivery is far smaller than the ones before it."""

    runbook = "volume"


class VolumeRose(CheckFailed):
    """A delivery is far larger than the ones before it."""

    runbook = "volume"


class TooManyRefused(CheckFailed):
    """So large a share of a delivery breaks row rules that the source must have changed."""

    runbook = "quarantine-share"


class DoesNotReconcile(CheckFailed):
    """Rows extracted are not the sum of rows valid, refused, duplicate and erased."""

    runbook = "reconciliation"
