"""Recipes: how one destination wants its match keys, one versioned YAML file each under ``include/recipes``.

A version never changes once it has been used: what was uploaded by it must be found again by it. A destination that changes its
rules gets a new version beside the old one; the newest is what its name alone means (``google`` is ``google_v2``).
"""

from __future__ import annotations

import difflib
import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from retention.campaigns.match_keys.steps import FORMS, OF_ADDRESSES, STEPS, Step
from retention.settings import PROJECT_ROOT
from retention.warehouse import RetentionError
from retention.yaml_text import load_yaml

RECIPES_DIR = PROJECT_ROOT / "include" / "recipes"
FIELDS = ("email", "phone", "customer")
"""What keys can be made of: ``pii.contact.email``, ``pii.contact.phone`` and the pseudonym ``customer_key``."""
STATES = ("personalised", "unspecified", "not_personalised")
"""States of consent under which somebody may be handed out at all, the freest first; see docs/match-keys.md."""
_NAME = re.compile(r"([a-z]+)_v([1-9][0-9]*)")
_TOP = {"recipe", "label", "rule", "is_hashed", "consent", "minimum_rows", "keys", "vectors"}
_KEY = {"column", "of", "before", "steps", "after", "is_hashed", "is_alone"}


class RecipeError(RetentionError):
    """A recipe is unknown or wrong. Nothing was built."""

    runbook = "match-keys"


@dataclass(frozen=True)
class Key:
    """One key of a recipe."""

    name: str
    column: str
    """Heading in the destination's file."""
    field: str
    """What it is made of; one of :data:`FIELDS`."""
    before: str | None
    """What the text must look like before any step (name in ``steps.FORMS``); null: anything."""
    steps: tuple[Step, ...]
    after: str
    """What it must look like after the last step, else there is no key."""
    is_hashed: bool
    is_alone: bool
    """Whether the destination can recognise somebody by it alone; somebody with no such key is left out."""


@dataclass(frozen=True)
class Vector:
    """A published example: what a text becomes. A null ``normal`` says that it must be refused."""

    key: str
    text: str
    normal: str | None
    digest: str | None
    """First characters of the hash at least; null where none was published."""
    published_by: str


@dataclass(frozen=True)
class Recipe:
    """One version of one destination's rules."""

    name: str
    destination: str
    version: int
    label_en: str
    label_zh: str
    rule: str
    """Where the rule stands, in words."""
    is_hashed: bool
    """False: plain addresses, for tools of our own that send the messages."""
    states: tuple[str, ...]
    """States of consent that it takes; empty where the member's own channel decides (sendable has looked at that)."""
    signals: Mapping[str, Mapping[str, str]]
    """By state, the consent fields that the destination wants with the file."""
    minimum_rows: int
    """Below this the destination makes no audience of the list."""
    keys: tuple[Key, ...]
    vectors: tuple[Vector, ...]
    content_hash: str
    """sha256 of the definition without its examples, as canonical JSON."""


def load_recipe(name: str, folder: Path = RECIPES_DIR) -> Recipe:
    """Return a recipe by name (``google_v1``), or the newest of a destination (``google``).

    Raises
    ------
    RecipeError with the nearest known name.
    """
    known = load_recipes(folder)
    if name in known:
        return known[name]
    of_destination = [recipe for recipe in known.values() if recipe.destination == name]
    if of_destination:
        return max(of_destination, key=lambda recipe: recipe.version)
    names = [*known, *sorted({recipe.destination for recipe in known.values()})]
    near = difflib.get_close_matches(name, names, n=1)
    hint = f"did you mean {near[0]}?" if near else f"known are {', '.join(known)}."
    raise RecipeError(f"no recipe for match keys named {name[:60]}; {hint} Nothing was built.")


@cache
def load_recipes(folder: Path = RECIPES_DIR) -> Mapping[str, Recipe]:
    """Return every recipe by name, in order of destination and version.

    Raises
    ------
    RecipeError naming the file and what is wrong in it.
    """
    found = [_read(path) for path in sorted(folder.glob("*.yml"))]
    return {recipe.name: recipe for recipe in sorted(found, key=lambda recipe: (recipe.destination, recipe.version))}


def _read(path: Path) -> Recipe:
    try:
        raw = load_yaml(path.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        line = getattr(getattr(error, "problem_mark", None), "line", 0) + 1
        raise RecipeError(f"{path.name} line {line}: not valid YAML. Nothing was built.") from None
    named = _NAME.fullmatch(str(raw.get("recipe"))) if isinstance(raw, dict) else None
    _require(named is not None and raw["recipe"] == path.stem, path, "recipe must be the file's name, like google_v2")
    assert named is not None
    _known(raw, _TOP, path, "")
    keys = tuple(_key(name, spec, bool(raw["is_hashed"]), path) for name, spec in raw["keys"].items())
    consent = raw.get("consent") or {}
    states = tuple(consent.get("states", ()))
    _require(set(states) <= set(STATES), path, f"consent.states are among {', '.join(STATES)}")
    _require(bool(states) == bool(raw["is_hashed"]), path, "hashed keys need consent.states, plain ones have none")
    _require(any(key.is_alone for key in keys), path, "one key at least must be enough to recognise somebody")
    vectors = tuple(
        Vector(v["key"], str(v["text"]), v.get("normal"), v.get("digest"), str(v["by"])) for v in raw.get("vectors", ())
    )
    _require({v.key for v in vectors} <= set(raw["keys"]), path, "a vector names a key that the recipe does not have")
    definition = {name: value for name, value in raw.items() if name != "vectors"}
    canonical = json.dumps(definition, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return Recipe(
        name=raw["recipe"],
        destination=named.group(1),
        version=int(named.group(2)),
        label_en=raw["label"]["en"],
        label_zh=raw["label"]["zh"],
        rule=" ".join(raw["rule"].split()),
        is_hashed=bool(raw["is_hashed"]),
        states=states,
        signals=dict(consent.get("signals", {})),
        minimum_rows=int(raw.get("minimum_rows", 0)),
        keys=keys,
        vectors=vectors,
        content_hash=hashlib.sha256(canonical.encode()).hexdigest(),
    )


def _key(name: str, spec: Mapping[str, Any], is_hashed: bool, path: Path) -> Key:
    _known(spec, _KEY, path, f"keys.{name}: ")
    steps = tuple(_step(entry, path, name) for entry in spec["steps"])
    for kind in (spec.get("before"), spec["after"]):
        _require(kind is None or kind in FORMS, path, f"keys.{name}: {kind} is none of {', '.join(FORMS)}")
    _require(spec["of"] in FIELDS, path, f"keys.{name}: of must be one of {', '.join(FIELDS)}")
    return Key(
        name=name,
        column=spec["column"],
        field=spec["of"],
        before=spec.get("before"),
        steps=steps,
        after=spec["after"],
        is_hashed=bool(spec.get("is_hashed", is_hashed)),
        is_alone=bool(spec.get("is_alone", True)),
    )


def _step(entry: Any, path: Path, key: str) -> Step:
    name, domains = (entry, ()) if isinstance(entry, str) else next(iter(entry.items()))
    _require(name in STEPS, path, f"keys.{key}: {name} is no step; known are {', '.join(STEPS)}")
    _require(not domains or name in OF_ADDRESSES, path, f"keys.{key}: {name} cannot be limited to domains")
    return Step(name, tuple(domains))


def _known(given: Mapping[str, Any], known: set[str], path: Path, where: str) -> None:
    for name in given:
        near = difflib.get_close_matches(str(name), known, n=1)
        _require(name in known, path, f"{where}{name} is not known here{f'; did you mean {near[0]}?' if near else ''}")


def _require(is_right: bool, path: Path, message: str) -> None:
    if not is_right:
        raise RecipeError(f"{path.name}: {message}. Nothing was built.")
