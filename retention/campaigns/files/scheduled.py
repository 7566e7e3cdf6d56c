"""Lists that are written after every push, as the settings name them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from retention.campaigns.files.exporting import ExportRefused, export_audience
from retention.campaigns.files.formats import FORMATS
from retention.campaigns.match_keys.recipes import Recipe, load_recipe
from retention.warehouse import RetentionError, Run


@dataclass(frozen=True)
class Wanted:
    """One list of ``files.lists``."""

    campaign: str
    form: str
    recipe: Recipe | None


def export_configured(run: Run, folder: Path, now: datetime) -> dict[str, int]:
    """Write every list that ``files.lists`` names; one that cannot be written does not stop the others.

    Plain addresses are written where ``campaigns.push_contact_details`` allows them: whoever named the list in the settings has
    asked for them.

    Returns
    -------
    Rows by list.

    Raises
    ------
    RetentionError of the first list that failed, after the others were written.
    """
    wanted = [parse(entry) for entry in run.settings.files.lists]
    counts: dict[str, int] = {}
    failure: RetentionError | None = None
    for entry in wanted:
        name = f"{entry.campaign} {entry.recipe.name if entry.recipe else 'members'}"
        try:
            done = export_audience(
                run,
                entry.campaign,
                folder,
                now,
                form=entry.form,
                recipe=entry.recipe,
                actor=f"{run.attempt.dag_id}.{run.attempt.task_id}",
                personal_data=True,
            )
            counts[name] = done.rows
        except RetentionError as error:
            failure = failure or error
    if failure is not None:
        raise failure
    return counts


def parse(entry: str) -> Wanted:
    """Read one entry of ``files.lists``: audience, format, and perhaps a destination or recipe.

    Raises
    ------
    ExportRefused when it is none; RecipeError when nobody knows the recipe.
    """
    words = entry.split()
    if len(words) not in (2, 3) or words[1] not in FORMATS:
        raise ExportRefused(
            f"files.lists: '{entry[:80]}' must be an audience, one of {', '.join(FORMATS)}, and perhaps a recipe for its "
            "addresses, like 'win_back csv google'. Nothing was written."
        )
    return Wanted(words[0], words[1], load_recipe(words[2]) if len(words) == 3 else None)
