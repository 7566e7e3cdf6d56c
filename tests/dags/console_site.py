"""A real Airflow API server in this process, with the console hanging in it and people of every role."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from retention.console import Answered, Refused

ROLES = {"vic": "viewer", "uma": "user", "oleg": "op", "ada": "admin"}
"""Vic may look, Uma may see customers and answer, Oleg and Ada too; Nora has no role at all."""


class StubConsole:
    """Answers every question with a constant, and remembers what it was asked."""

    def __init__(self) -> None:
        from retention.settings import Settings

        self.settings = Settings()
        self.asked: list[tuple[Any, ...]] = []
        self.held: list[dict[str, Any]] = []
        self.fails: Exception | None = None

    def __getattr__(self, name: str) -> Any:
        def ask(*arguments: Any) -> Answered:
            self.asked.append((name, *arguments))
            if self.fails is not None:
                raise self.fails
            return Answered(None, {"asked": name})

        if name.startswith("_") or name == "reader":
            raise AttributeError(name)
        return ask

    def waiting(self) -> list[dict[str, Any]]:
        """Pushes that wait."""
        return self.held

    def customer(self, text: str, actor: str) -> Answered:
        """One customer: only key 7 is known."""
        self.asked.append(("customer", text, actor))
        if text != "7":
            raise Refused("unknown_customer", 404)
        return Answered(None, {"customer_key": "7"})


def login(site: Any, name: str) -> Mapping[str, str]:
    """Headers of a person who is logged in."""
    from airflow.api_fastapi.auth.managers.simple.user import SimpleAuthManagerUser

    from airflow.api_fastapi.app import get_auth_manager

    token = get_auth_manager().generate_jwt(SimpleAuthManagerUser(username=name, role=ROLES.get(name)))
    return {"authorization": f"Bearer {token}"}
