"""Privacy: pseudonyms, consent, suppression, erasure and access, storage limits."""

from retention.privacy.consent import sync_consent
from retention.privacy.files import FileStore, configured_stores
from retention.privacy.handling import handle_requests
from retention.privacy.ledger import record_consents
from retention.privacy.pseudonyms import address_hash, keyed_bigint, row_key, source_customer_key
from retention.privacy.registry import person_rows, unregistered
from retention.privacy.requests import request_access, request_erasure

__all__ = [
    "FileStore",
    "address_hash",
    "configured_stores",
    "handle_requests",
    "keyed_bigint",
    "person_rows",
    "record_consents",
    "request_access",
    "request_erasure",
    "row_key",
    "source_customer_key",
    "sync_consent",
    "unregistered",
]
