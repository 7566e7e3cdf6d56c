"""Answers of the console's back end for a made-up company: the same on every day, so that pictures and tests do not move.

Shapes as docs/console.md describes them. Numbers hang together where a reader would add them up.
"""

from __future__ import annotations

from collections.abc import Callable

from tests.browser.company.campaigns import play, plays, programme
from tests.browser.company.decisions import pushes
from tests.browser.company.figures import kpis
from tests.browser.company.first import overview
from tests.browser.company.groups import customers
from tests.browser.company.person import customer
from tests.browser.company.pipeline import complaints, health, quality
from tests.browser.company.predictions import models
from tests.browser.company.words import Json, empty, meta, ok

__all__ = [
    "ANSWERS",
    "Json",
    "complaints",
    "customer",
    "customers",
    "empty",
    "health",
    "kpis",
    "meta",
    "models",
    "ok",
    "overview",
    "play",
    "plays",
    "programme",
    "pushes",
    "quality",
]

ANSWERS: dict[str, Callable[..., Json]] = {
    "overview": overview,
    "kpis": kpis,
    "customers": customers,
    "plays": plays,
    "programme": programme,
    "models": models,
    "quality": quality,
    "health": health,
    "complaints": complaints,
    "pushes": pushes,
}
