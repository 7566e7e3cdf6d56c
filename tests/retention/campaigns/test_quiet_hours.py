"""Quiet hours as tools meet them: whatever their beginning and end, the open hours are all the others."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tests.retention.campaigns.conftest import Company
from tests.retention.campaigns.decided import Choice, consent_everybody, decide


@pytest.mark.parametrize("middle", [0, 6, 12, 18])
def test_only_the_quiet_hours_are_quiet(light: Company, middle: int) -> None:
    """Ana's quiet hour is now, Bo's was two hours ago, Chen's is in two; wherever in the day now is, seen from its zone."""
    zone = f"Etc/GMT{(datetime.now(UTC).hour - middle + 12) % 24 - 12:+d}"  # there it is `middle` o'clock
    now = datetime.now(UTC) - timedelta(hours=(datetime.now(UTC).hour - middle + 12) % 24 - 12)

    def quiet(hours: int) -> dict[str, object]:
        begins, ends = (now + timedelta(hours=hours, minutes=minutes) for minutes in (-30, 30))
        return {"not_before": ends.time(), "not_after": begins.time(), "time_zone": zone}

    consent_everybody(light, (1, 2, 3))
    decide(light, [Choice("welcome", key, more=quiet(hours)) for key, hours in ((1, 0), (2, -2), (3, 2))])
    light.push()
    assert light.sendable() == {("welcome", "Bo"), ("welcome", "Chen")}
