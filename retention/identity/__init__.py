"""Identity: which customer numbers of which sources are the same person."""

from retention.identity.addresses import normalise_email, normalise_phone
from retention.identity.linking import Link, Member, link_members
from retention.identity.resolution import Resolution, resolve

__all__ = [
    "Link",
    "Member",
    "Resolution",
    "link_members",
    "normalise_email",
    "normalise_phone",
    "resolve",
]
