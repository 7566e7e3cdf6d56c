"""The command `why`: why a customer gets a play, or what keeps them out."""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum
from typing import Annotated

import typer
from rich.text import Text

from retention.cli._shared import console, open_databases, parse_date
from retention.settings import load_settings

_KEYS = {"ignore_unknown_options": True}  # keys are signed: -5 is a key, not an option


class Tongue(StrEnum):
    """Languages of the answer."""

    en = "en"
    zh = "zh"


def register(app: typer.Typer) -> None:
    """Add the command of this module."""
    app.command(context_settings=_KEYS)(why)


def why(
    customer: Annotated[str, typer.Argument(help="Key of the customer, or SOURCE:NUMBER, e.g. crm:1042.")],
    play: Annotated[str | None, typer.Argument(help="Name of the play; every play of the day where none is given.")] = None,
    date_text: Annotated[str | None, typer.Option("--date", help="Business day; default: the newest one planned.")] = None,
    lang: Annotated[Tongue, typer.Option("--lang", help="Language of the answer.")] = Tongue.en,
) -> None:
    """Say in a sentence why a customer gets a play, or what keeps them out."""
    from retention.campaigns.why import plays_of
    from retention.campaigns.why import why as answer
    from retention.cli._person import person

    warehouse, _ = open_databases()
    whom = person(warehouse, customer)
    day = parse_date(date_text)
    as_of_date, plays = plays_of(warehouse, None if day is None else day + timedelta(days=1))
    settings = load_settings()
    for name in [play] if play is not None else plays:
        console().print(Text(answer(warehouse, settings, whom, name, as_of_date).sentence(lang.value)), soft_wrap=True)
