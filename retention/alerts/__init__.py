"""Telling people: one message, every channel that is configured, told once and surely.

A message holds names of tables, plays, DAGs and dates, and counts; what looks like a person's address is blanked on the way
out, whoever wrote it. Secrets of channels (keys in addresses, passwords) appear in no error and no log.
"""

from retention.alerts.channels import Channel, DingTalk, Email, Feishu, Webhook, WeCom
from retention.alerts.configuration import CHANNELS, configured_channels
from retention.alerts.errors import AlertConfigurationError, NotDelivered
from retention.alerts.message import Message
from retention.alerts.once import first_here, forget_here
from retention.alerts.sending import Told, tell, tell_configured

__all__ = [
    "CHANNELS",
    "AlertConfigurationError",
    "Channel",
    "DingTalk",
    "Email",
    "Feishu",
    "Message",
    "NotDelivered",
    "Told",
    "WeCom",
    "Webhook",
    "configured_channels",
    "first_here",
    "forget_here",
    "tell",
    "tell_configured",
]
