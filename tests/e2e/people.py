"""People of other roles than the administrator, at the console's own routes."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any

import httpx
import jwt

from retention.supervisor.layout import Layout


@dataclass(frozen=True)
class Person:
    """Somebody who is logged in at Airflow, and asks the console."""

    name: str
    client: httpx.Client

    @classmethod
    def of(cls, layout: Layout, name: str, role: str) -> Person:
        """Log somebody in: the administrator's token, made out to them and signed with the installation's secret.

        The accounts of a local installation are its administrator alone; Airflow takes name and role from the token.
        """
        admin = {"username": "admin", "password": layout.admin_password()}
        given = httpx.post(f"{layout.url}/auth/token", json=admin, timeout=60).json()["access_token"]
        claims = jwt.decode(given, options={"verify_signature": False})
        claims |= {"sub": name, "role": role, "jti": uuid.uuid4().hex}
        algorithm = jwt.get_unverified_header(given)["alg"]
        token = jwt.encode(claims, layout.secret("airflow_jwt_secret"), algorithm)
        return cls(name, httpx.Client(base_url=layout.url, timeout=60, cookies={"_token": token}))

    def held_back(self) -> dict[str, Any]:
        """Return the one push that waits, as the console shows it."""
        answer = self.client.get("/retention/api/pushes")
        assert answer.status_code == 200, answer.text
        (item,) = answer.json()["data"]["items"]
        return dict(item)

    def decide(self, item: dict[str, Any], decision: str, reason: str) -> httpx.Response:
        """Approve or reject what the console showed, as its page does it."""
        return self.client.post(
            f"/retention/api/pushes/{item['id']}/{decision}",
            headers={"x-retention-console": "1"},
            json={"version": item["version"], "reason": reason},
        )
