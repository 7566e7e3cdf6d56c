"""Writing one audience to files: read once, written aside, swapped in whole, on record before and after."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa

from retention.campaigns.files.booking import audit, book
from retention.campaigns.files.describing import describe
from retention.campaigns.files.formats import FORMATS, write_file
from retention.campaigns.files.manifest import CURRENT, MANIFEST, digest, replace, sync_folder, to_bytes, write_new
from retention.campaigns.files.members import describe_source, plain_addresses, read_members
from retention.campaigns.match_keys.listing import Coverage, Listing, list_keys
from retention.campaigns.match_keys.naming import lint_name
from retention.campaigns.match_keys.recipes import Recipe
from retention.warehouse import RetentionError, Run, failpoint, lease

MEMBERS = "members"
"""Name of the list that has pseudonyms and no addresses."""
_RIGHTS = 0o700
_NAME = re.compile(r"[^\W_][\w-]{0,79}")


class ExportRefused(RetentionError):
    """An export that settings, record or names do not allow. Nothing was written."""

    runbook = "audience-files"


@dataclass(frozen=True)
class Exported:
    """A list that was written."""

    folder: Path
    """``<folder>/<campaign>/<list>``: its ``current.json`` names the files."""
    manifest: dict[str, Any]
    coverage: tuple[Coverage, ...]

    @property
    def rows(self) -> int:
        """Rows over all files."""
        return sum(entry["rows"] for entry in self.manifest["files"])


@dataclass(frozen=True)
class _Part:
    """One file to be: its name, its rows, and under which consent."""

    name: str
    table: pa.Table
    consent: dict[str, str]
    numbers: tuple[str, ...] = ()


def export_audience(
    run: Run,
    campaign: str,
    folder: Path,
    now: datetime,
    *,
    form: str = "csv",
    recipe: Recipe | None = None,
    actor: str,
    personal_data: bool = False,
    public_name: str | None = None,
) -> Exported:
    """Write the members of an audience who may be contacted at this moment to files.

    Parameters
    ----------
    run : Run
        Needs both databases.
    campaign : str
        The audience.
    folder : Path
        Where lists lie, normally ``<home>/exports/audiences``: erasures and expiry clear that place.
    now : datetime
        The present instant, aware.
    form : str
        ``csv``, ``jsonl`` or ``parquet``.
    recipe : Recipe, optional
        Of a destination: its match keys, one file per state of consent, and no pseudonyms. ``plain_v1``: the members with the
        plain address of their channel. Default: the members without any address.
    actor : str
        Who reads, for the record.
    personal_data : bool
        Required for plain addresses.
    public_name : str, optional
        What the list is called outside, where the campaign's own name would say something about health or money.

    Returns
    -------
    Exported. The list of before stays readable until it runs out.

    Raises
    ------
    ExportRefused, NothingToExport, WrongEnvironment, RawValues, RecipeError: nothing was written. Fenced when a newer attempt
    took over: ``current.json`` was not changed.
    """
    name = public_name or campaign
    _refuse(run, name, form, recipe, personal_data)
    list_name = recipe.name if recipe else MEMBERS
    with lease(run, "audience_files", f"{campaign}/{list_name}") as held:
        source = describe_source(run, campaign)
        audit(run, actor, "read_audience", campaign, list_name, {"sync_id": source.sync_id, "format": form})
        parts, listing, members = _parts(run, campaign, name, form, recipe)
        version = f"{now.astimezone(source.pushed_at.tzinfo):%Y%m%dT%H%M%S}Z-{source.sync_id:06d}-{held.token:06d}"
        place = folder / campaign / list_name
        manifest = describe(run, name, list_name, version, source, now, form, members, recipe, listing)
        aside = _write_aside(place, version, parts, form, manifest)
        failpoint("files.written")
        aside.rename(place / version)
        sync_folder(place)
        failpoint("files.in_place")
        with held.publishing() as connection:
            book(connection, held, campaign, manifest, listing, actor, now)
            # Inside the fenced transaction: an attempt that was overtaken never points anybody to its list.
            replace(place / CURRENT, to_bytes(manifest))
            failpoint("files.pointed")
    return Exported(place, manifest, listing.coverage if listing else ())


def _refuse(run: Run, name: str, form: str, recipe: Recipe | None, personal_data: bool) -> None:
    if not _NAME.fullmatch(name):
        raise ExportRefused("the name of a list has letters, digits, - and _ only, up to 80 of them. Nothing was written.")
    if form not in FORMATS:
        raise ExportRefused(f"format {form[:20]} is none of {', '.join(FORMATS)}. Nothing was written.")
    if recipe is None:
        return
    if recipe.is_hashed:
        found = lint_name(name)
        if found:
            raise ExportRefused(
                f"audience {name}: {'; '.join(found)}. {recipe.label_en} and everybody with access to its console would read "
                "that of the people in the list. Nothing was written. Give it a neutral name with --name."
            )
    elif not (run.settings.campaigns.push_contact_details and personal_data):
        raise ExportRefused(
            f"{recipe.name} writes plain addresses to a file: it needs the setting campaigns.push_contact_details = true and "
            "--personal-data; the read is put on record in ops.audit. Nothing was written."
        )


def _parts(run: Run, campaign: str, name: str, form: str, recipe: Recipe | None) -> tuple[list[_Part], Listing | None, int]:
    """Return the files to be, what became of the keys, and how many members there are."""
    if recipe is not None and recipe.is_hashed:
        listing = list_keys(run, campaign, recipe)
        parts = [
            _Part(
                f"{name}-{recipe.name}-{partition.state}.{form}",
                partition.keys,
                {"state": partition.state, **recipe.signals.get(partition.state, {})},
            )
            for partition in listing.partitions
        ]
        return parts, listing, listing.members
    members = read_members(run, campaign)
    if recipe is None:
        return [_Part(f"{name}-{MEMBERS}.{form}", members, {"state": "sendable"})], None, members.num_rows
    table, listing = plain_addresses(run, campaign, recipe, members)
    numbers = tuple(key.column for key in recipe.keys if key.field == "phone")
    return [_Part(f"{name}-{recipe.name}.{form}", table, {"state": "sendable"}, numbers)], listing, members.num_rows


def _write_aside(place: Path, version: str, parts: Sequence[_Part], form: str, manifest: dict[str, Any]) -> Path:
    """Write files and manifest into a folder that nobody looks into yet; complete the manifest on the way."""
    place.mkdir(mode=_RIGHTS, parents=True, exist_ok=True)
    for left in place.glob(".writing-*"):  # of an attempt that died; ours is the only one alive: it holds the lease
        shutil.rmtree(left)
    aside = place / f".writing-{version}"
    aside.mkdir(mode=_RIGHTS)
    for part in parts:
        path = aside / part.name
        write_file(path, part.table, form, part.numbers)
        failpoint("files.file_written")
        manifest["files"].append(
            {
                "name": part.name,
                "consent": part.consent,
                "rows": part.table.num_rows,
                "bytes": os.stat(path).st_size,
                "sha256": digest(path),
            }
        )
    manifest["rows"] = sum(part.table.num_rows for part in parts)
    write_new(aside / MANIFEST, to_bytes(manifest))
    sync_folder(aside)
    return aside
