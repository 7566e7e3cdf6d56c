"""Linkage models of this company: what they are trained on, and which one links."""

from __future__ import annotations

import pandas as pd
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from retention.identity.candidates import fetch_records
from retention.identity.decisions import audit
from retention.identity.model import LinkageModel
from retention.identity.records import as_keys


def training_records(connection: Connection) -> pd.DataFrame:
    """Return all source customers that still exist in their source, as linkage reads them."""
    keys = connection.execute(sa.text("select source_customer_key from pii.source_customer where deleted_at is null")).scalars()
    return fetch_records(connection, as_keys(keys))


def promote(connection: Connection, model: LinkageModel, by: str) -> bool:
    """Store a model and let it link from now on; whoever calls links everybody anew in the same transaction.

    Returns
    -------
    False when this very model links already.
    """
    version = {"version": model.version}
    champion = connection.execute(sa.text("select model_version from ops.linkage_model where state = 'champion'")).scalar()
    if champion == model.version:
        return False
    connection.execute(sa.text("update ops.linkage_model set state = 'retired' where state = 'champion'"))
    connection.execute(
        sa.text(
            "insert into ops.linkage_model (model_version, state, model, sha256, link_probability, review_probability, "
            "training_records, trained_by) values (:version, 'champion', :model, :sha256, :link, :review, :records, :by) "
            "on conflict (model_version) do update set state = 'champion'"
        ),
        {
            **version, "model": model.text, "sha256": model.sha256, "link": model.link_probability,
            "review": model.review_probability, "records": model.trained_on["records"], "by": by,
        },
    )  # fmt: skip
    audit(connection, by, "identity_train", model.version, None, {"records": model.trained_on["records"], "before": champion})
    return True


def retire(connection: Connection, by: str) -> bool:
    """Let the shipped model link again; False when it does already."""
    retired = connection.execute(sa.text("update ops.linkage_model set state = 'retired' where state = 'champion'")).rowcount
    if retired:
        audit(connection, by, "identity_train", "shipped model", None, {"retired": retired})
    return bool(retired)
