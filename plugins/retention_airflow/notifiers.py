"""Notifiers: the product's channels for callbacks of any DAG, also of a team's own.

```python
from retention_airflow.notifiers import AlertNotifier, DingTalkNotifier

@dag(on_failure_callback=AlertNotifier())                                   # every channel that is configured
@task(on_success_callback=DingTalkNotifier("{{ dag.dag_id }} of {{ partition_key }} is done"))
```

Each takes a Jinja template; without one it says which task of which day failed, and where it says what to do.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from airflow.sdk.bases.notifier import BaseNotifier

from retention_airflow import alerts


class AlertNotifier(BaseNotifier):
    """Tell every channel that is configured.

    Parameters
    ----------
    message : str
        Jinja template; empty: what :func:`retention_airflow.alerts.task_failed` says.
    subject : str
        Jinja template of the subject of an e-mail; empty: the beginning of the message.
    channels : sequence of str
        Only these: webhook, wecom, dingtalk, feishu, email. Empty: all that are configured.
    """

    template_fields: Sequence[str] = ("message", "subject")
    only: tuple[str, ...] = ()

    def __init__(self, message: str = "", subject: str = "", channels: Sequence[str] = ()) -> None:
        super().__init__()
        self.message = message
        self.subject = subject
        self.channels = tuple(channels) or self.only

    def notify(self, context: Mapping[str, Any]) -> None:
        """Say it; in the log as well, and there alone where no channel is configured."""
        alerts.notify(self.message or alerts.failure_message(context), self.subject, self.channels)


class WebhookNotifier(AlertNotifier):
    """Tell the webhook alone."""

    only = ("webhook",)


class WeComNotifier(AlertNotifier):
    """Tell the WeCom group (企业微信) alone."""

    only = ("wecom",)


class DingTalkNotifier(AlertNotifier):
    """Tell the DingTalk group (钉钉) alone."""

    only = ("dingtalk",)


class FeishuNotifier(AlertNotifier):
    """Tell the Feishu group (飞书) alone."""

    only = ("feishu",)


class EmailNotifier(AlertNotifier):
    """Send an e-mail alone."""

    only = ("email",)
