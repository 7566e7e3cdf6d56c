"""Identity: which customer numbers of which sources are the same person."""

from retention.identity.addresses import normalise_email, normalise_phone
from retention.identity.linking import Decision, Linked, link_members
from retention.identity.model import LinkageModel, LinkageModelRefused, shipped_model
from retention.identity.resolution import Resolution, active_model, resolve

__all__ = [
    "Decision",
    "LinkageModel",
    "LinkageModelRefused",
    "Linked",
    "Resolution",
    "active_model",
    "link_members",
    "normalise_email",
    "normalise_phone",
    "resolve",
    "shipped_model",
]
