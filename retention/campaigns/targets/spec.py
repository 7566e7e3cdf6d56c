"""The description of a target: one YAML file each under ``include/targets``."""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import yaml

from retention.campaigns.targets.errors import TargetError
from retention.settings import PROJECT_ROOT
from retention.yaml_text import load_yaml

TARGETS_DIR = PROJECT_ROOT / "include" / "targets"
_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")


@dataclass(frozen=True)
class Target:
    """One further database that is kept equal to the marketing database."""

    target: str
    """Its name; the address is in ``RETENTION_TARGET_<NAME>_URL``."""
    description: str = ""
    campaigns: tuple[str, ...] = ()
    """Audiences to carry; empty for all."""
    schema: str | None = None
    table_prefix: str = "retention_"
    contact_details: bool = False
    """Whether plain addresses of current members are carried, where the marketing database holds them."""
    batch_rows: int = 1_000
    timeout_seconds: int = 120
    """Longest a single statement may take there."""

    @property
    def variable(self) -> str:
        """Name of the environment variable with its address."""
        return f"RETENTION_TARGET_{self.target.upper()}_URL"

    def carries(self, campaign: str) -> bool:
        """Whether an audience goes there."""
        return not self.campaigns or campaign in self.campaigns


def load_targets(folder: Path | None = None) -> list[Target]:
    """Read every description, in order of name.

    Parameters
    ----------
    folder : Path, optional
        Default ``RETENTION_TARGETS_DIR``, else the project's ``include/targets``.

    Raises
    ------
    TargetError for a file that is wrong, naming file, key and the nearest key that exists.
    """
    folder = folder or Path(os.environ.get("RETENTION_TARGETS_DIR", TARGETS_DIR))
    targets = [_read(path) for path in sorted(folder.glob("*.yml"))]
    names = [target.target for target in targets]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise TargetError(f"{folder.name}: two files describe target {twice[0]}. No target was fed.")
    return sorted(targets, key=lambda target: target.target)


def _read(path: Path) -> Target:
    try:
        content = load_yaml(path.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f", line {mark.line + 1}" if mark else ""
        raise TargetError(f"{path.name}{line}: no valid YAML. No target was fed.") from None
    if not isinstance(content, dict):
        raise TargetError(f"{path.name}: expected keys and values such as `target: mirror`. No target was fed.")
    known = [field.name for field in fields(Target)]
    for key in content:
        if key not in known:
            nearest = difflib.get_close_matches(str(key), known, n=1)
            hint = f"; did you mean {nearest[0]}?" if nearest else f"; known are {', '.join(known)}."
            raise TargetError(f"{path.name}: unknown key {key}{hint} No target was fed.")
    problem = _problem(content)
    if problem:
        raise TargetError(f"{path.name}: {problem}. No target was fed.")
    return Target(**{**content, "campaigns": tuple(content.get("campaigns") or ())})


def _problem(content: Mapping[str, Any]) -> str | None:
    """Return what is wrong with a description; None when nothing is."""
    name, prefix, schema = content.get("target"), content.get("table_prefix", "retention_"), content.get("schema")
    campaigns = content.get("campaigns") or []
    if not (isinstance(name, str) and _NAME.fullmatch(name)):
        return "target must be a name of small letters, digits and underscores"
    if not (isinstance(prefix, str) and re.fullmatch(r"[a-z][a-z0-9_]{0,19}|", prefix)):
        return "table_prefix must be at most 20 small letters, digits and underscores"
    if schema is not None and not (isinstance(schema, str) and _NAME.fullmatch(schema)):
        return "schema must be a name of small letters, digits and underscores"
    if not (isinstance(campaigns, list) and all(isinstance(campaign, str) for campaign in campaigns)):
        return "campaigns must be a list of names"
    for key, least in (("batch_rows", 1), ("timeout_seconds", 1)):
        value = content.get(key, least)
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            return f"{key} must be a whole number of at least {least}"
    if not isinstance(content.get("contact_details", False), bool):
        return "contact_details must be true or false"
    if not isinstance(content.get("description", ""), str):
        return "description must be a text"
    return None
