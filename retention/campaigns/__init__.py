"""Campaigns: who is contacted with what, who is not and why, and the push to the marketing database."""

from retention.campaigns.approvals import approve
from retention.campaigns.catalogue import Attribute, attributes
from retention.campaigns.errors import (
    InputsMoved,
    NoMarketingDatabase,
    NothingPlanned,
    NothingToApprove,
    PlayError,
    PushBroken,
    UpstreamEmpty,
    WrongEnvironment,
)
from retention.campaigns.holdout import bucket
from retention.campaigns.planning import plan
from retention.campaigns.plays import Play, check_plays, load_plays, play_problems
from retention.campaigns.pushing import push, push_approved
from retention.campaigns.receipts import receive

__all__ = [
    "Attribute",
    "InputsMoved",
    "NoMarketingDatabase",
    "NothingPlanned",
    "NothingToApprove",
    "Play",
    "PlayError",
    "PushBroken",
    "UpstreamEmpty",
    "WrongEnvironment",
    "approve",
    "attributes",
    "bucket",
    "check_plays",
    "load_plays",
    "plan",
    "play_problems",
    "push",
    "push_approved",
    "receive",
]
