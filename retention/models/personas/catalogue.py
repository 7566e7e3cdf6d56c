"""What personas may be called: the reviewed list in ``include/personas/personas.yml``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache

from retention.settings import PROJECT_ROOT
from retention.yaml_text import load_yaml

PATH = PROJECT_ROOT / "include" / "personas" / "personas.yml"


@dataclass(frozen=True)
class Persona:
    """One name: its labels, what such a group looks like, and what it must keep to.

    `looks`, `at_least` and `at_most` are robust standard deviations from the company's median, by input.
    """

    en: str
    zh: str
    looks: Mapping[str, float]
    start: bool = False
    first: bool = False
    at_least: Mapping[str, float] = field(default_factory=dict)
    at_most: Mapping[str, float] = field(default_factory=dict)

    def holds(self, centre: Mapping[str, float]) -> bool:
        """Whether a group with this centre may carry the name; what is not known about it keeps to nothing."""
        return all(centre.get(name, float("-inf")) >= limit for name, limit in self.at_least.items()) and all(
            centre.get(name, float("inf")) <= limit for name, limit in self.at_most.items()
        )


@cache
def catalogue() -> Mapping[str, Persona]:
    """Return every persona by its code."""
    return {code: Persona(**entry) for code, entry in load_yaml(PATH.read_text(encoding="utf-8")).items()}
