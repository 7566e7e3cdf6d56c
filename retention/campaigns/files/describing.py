"""What a list says about itself: where it comes from, until when it holds, what its columns mean."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from retention.campaigns.files.manifest import MANIFEST_VERSION
from retention.campaigns.files.members import SCHEMA_VERSION, Source
from retention.campaigns.match_keys.listing import Listing
from retention.campaigns.match_keys.recipes import Recipe
from retention.warehouse import Run, load_contract

_MADE_OF = {
    ("email", True): "SHA-256 of the e-mail address, normalised by the recipe",
    ("phone", True): "SHA-256 of the telephone number, normalised by the recipe",
    ("customer", True): "SHA-256 of our pseudonym of the person",
    ("email", False): "e-mail address",
    ("phone", False): "telephone number, E.164",
    ("customer", False): "our pseudonym of the person",
}


def describe(
    run: Run,
    name: str,
    list_name: str,
    version: str,
    source: Source,
    now: datetime,
    form: str,
    members: int,
    recipe: Recipe | None,
    listing: Listing | None,
) -> dict[str, Any]:
    """Return the manifest of a list, its files still to be added."""
    use_before = now + timedelta(hours=run.settings.files.use_hours)
    manifest: dict[str, Any] = {
        "manifest_version": MANIFEST_VERSION,
        "schema_version": SCHEMA_VERSION if recipe is None or not recipe.is_hashed else recipe.version,
        "campaign": name,
        "list": list_name,
        "version": version,
        "format": form,
        "environment": run.settings.company.environment,
        "business_date": source.business_date.isoformat(),
        "sync_id": source.sync_id,
        "consent_as_of": source.heartbeat_at.isoformat(),
        "exported_at": now.isoformat(),
        "use_before": use_before.isoformat(),
        "members": members,
        "rows": 0,
        "columns": _columns(recipe),
        "files": [],
        "warnings": [],
    }
    if recipe is not None and listing is not None:
        manifest["recipe"] = {"name": recipe.name, "sha256": recipe.content_hash, "rule": recipe.rule}
        manifest["coverage"] = [vars(counts) for counts in listing.coverage]
        if recipe.is_hashed and listing.listed < recipe.minimum_rows:
            manifest["warnings"].append(
                f"{listing.listed:,} rows: {recipe.label_en} makes no audience of fewer than {recipe.minimum_rows:,}"
            )
    return manifest


def _columns(recipe: Recipe | None) -> list[dict[str, str]]:
    """Return name, type and meaning of the columns, in order."""
    members = [
        {"name": column.name, "type": column.type, "description": column.description}
        for column in load_contract("marketing.sendable").columns
    ]
    if recipe is None:
        return members
    made = "SHA-256 of the" if recipe.is_hashed else "plain"
    keys = [
        {
            "name": key.column,
            "type": "text",
            "description": f"{made if key.is_hashed or not recipe.is_hashed else 'plain'} {key.field}",
        }
        for key in recipe.keys
    ]
    return keys if recipe.is_hashed else [*members, *keys]
