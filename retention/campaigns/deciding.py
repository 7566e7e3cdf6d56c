"""Decisions: offer, terms, bounds and reasons of those who are contacted or kept back, worded for each of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from retention.campaigns.candidates import bound_of, terms_of
from retention.campaigns.compiling import Statement, by_position, compile_file, of_rung
from retention.campaigns.conditions import Binds, reasons
from retention.campaigns.plays import Play, Rung
from retention.settings import CompanySettings


def decision_query(plays: Sequence[Play], company: CompanySettings) -> Statement:
    """Return the statement that fills ``campaigns.decision`` for one customer bucket.

    Parameters
    ----------
    plays : sequence of Play
        In the order of their positions.
    company : CompanySettings
        Currency in which offers and reasons state amounts.
    """
    binds = Binds("decision")
    digits, currency = company.base_currency_minor_digits, company.base_currency

    def of_rungs(value: Callable[[Rung], str]) -> str:
        return by_position("chosen.position", [of_rung("chosen.rung", [value(rung) for rung in play.ladder]) for play in plays])

    def worded(language: str) -> str:
        return by_position("chosen.position", [reasons(play.condition, binds, language, currency, digits) for play in plays])

    parts = {
        "/* offer */ ''": of_rungs(lambda rung: f"cast({binds.add(rung.code)} as text)"),
        "/* offer terms */ ''": of_rungs(lambda rung: terms_of(rung, company, binds)),
        "/* opening */ cast(null as bigint)": of_rungs(lambda rung: bound_of(rung, company, binds, "opening")),
        "/* ceiling */ cast(null as bigint)": of_rungs(lambda rung: bound_of(rung, company, binds, "ceiling")),
        "/* reasons in English */ ''": worded("en"),
        "/* reasons in Chinese */ ''": worded("zh"),
    }
    return Statement(compile_file("campaigns/decision", parts), binds.values)
