"""docs/health.md from the checks in include/health/checks.yml and the defaults of their objectives."""

from __future__ import annotations

import re
from typing import Any

from retention.measurement.health.catalogue import Check, catalogue
from retention.settings import Settings

INTRODUCTION = """# Health of pipeline and audiences

Once an hour (`retention_health`), and at the end of `retention run`, everything is looked at that can be wrong without any
task failing: is the day there, did a source deliver, is an audience three times what it was, did tools report what they sent,
does the marketing database hold what was pushed. Each check has an objective; what it found is in `bi.health`, in English and Chinese.

```sh
retention health              # look now, and show what is not well
retention health --all        # everything that was looked at
```

| where | what |
|---|---|
| `bi.health` | the newest look: value, objective, state, since when, a sentence, what to do |
| `bi.health_objective` | on how many of the last 28 days each objective held, and how many of the days on which it may not are left |
| `bi.health_check` | every look: one row per day, check and subject, the last look of the day |
| `bi.pipeline_run` | duration, attempts, rows and cost of every task and business day |
| `bi.audience_overlap`, `bi.audience_mix`, `bi.audience_delivery`, `bi.audience_cost` | what the audience checks rest on, counted once a day by `retention_measure` |
| `ops.health_episode` | from when to when an objective was missed, and who was told |

**States.** `ok`; `warn`, from four fifths of the way to the limit on (`health.warn_share`); `breach`; `not_measured` where there are
too few people, rows or days to judge by. Limits are settings ([health](settings.md#health)); change one in `retention.toml`.

**Who is told.** Every [channel](observability.md#channels), once, when an objective is missed; again after `health.reminder_days`
while it lasts; and once when it is well again. A channel that could not be reached is told at the next look, alone. What wavers is not
called well before it has held for `health.settle_hours`, or on a later day. Warnings are shown and not sent, unless
`health.alert_warnings` says so. One message holds everything that is new; it names twenty and counts the rest.

**Released by hand.** While the daily schedule is held back (`RETENTION_SCHEDULE_FROM` lies ahead, as for the sample company),
nothing is late because a day has ended: `day-ready` and `source-fresh` are not looked at.

每小时检查一次流水线与人群的健康状况：数据是否按时、各数据源是否交付、人群规模与结构是否异常、投递回执是否完整、营销库内容是否与推送一致。
每项检查都有目标值；未达标时在所有已配置的渠道通知一次，持续期间按天数提醒，恢复后再通知一次。

Generated from `include/health/checks.yml` by `make docs`.
"""  # noqa: E501  # lines of tables
HEADS = {"pipeline": "\n## Pipeline 流水线\n", "audience": "\n## Audiences 人群\n"}


def page() -> str:
    """Return the page."""
    parts = [INTRODUCTION]
    for area, head in HEADS.items():
        parts.append(head)
        parts += [_section(check) for check in catalogue().values() if check.area == area]
    return "".join(parts)


def _section(check: Check) -> str:
    defaults: Any = Settings().health
    side = "at least" if check.is_at_least else "at most"
    limit = f"`health.{check.limit}`, {getattr(defaults, check.limit):g} by default" if check.limit else "none is allowed: 0"
    return (
        f"\n### {check.name.replace('_', '-')}\n\n"
        f"**{check.label_en} {check.label_zh}** (in {check.unit}, {side}: {limit})\n\n"
        f"> {_example(check.sentence_en)}\n>\n> {_example(check.sentence_zh)}\n\n"
        f"{check.advice_en}\n\n{check.advice_zh}\n"
    )


def _example(sentence: str) -> str:
    """Show the places of a sentence as places."""
    return re.sub(r"\{(\w+)\}", r"*\1*", sentence)
